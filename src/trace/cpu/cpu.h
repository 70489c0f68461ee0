/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between processors: registers at a system call, and the instruction that makes
 * one. One cpu-NAME.c each; the others compile to nothing. Calls no ptrace.
 */
#ifndef ELFCAST_CPU_H
#define ELFCAST_CPU_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__) || defined(__aarch64__)
#include <sys/user.h>
#endif

/* Where there is but this one no call is looked at (cpu_audit_arch is 0): a name to compile. */
#ifndef __NR_mmap
#define __NR_mmap __NR_mmap2
#endif

struct cpu_regs { /* the register set NT_PRSTATUS */
#if defined(__x86_64__) || defined(__aarch64__)
	struct user_regs_struct r;
#else
	char none;
#endif
};

/* AUDIT_ARCH_* of this program's own system calls; 0: launches cannot be followed here. */
extern const uint32_t cpu_audit_arch;
/* Set in the numbers of a second ABI with the same AUDIT_ARCH_* (x32); 0: there is none. */
extern const uint32_t cpu_other_abi_bit;

/*
 * Let a task that is stopped outside of a system call make call NR with one argument, by the
 * instruction at ADDR, and restart no other.
 */
void cpu_set_call(struct cpu_regs *regs, uint64_t addr, long nr, uint64_t arg);
/* The flags of an mmap call, at its start and still at its end. */
void cpu_set_mmap_flags(struct cpu_regs *regs, uint64_t flags);

/* The instruction that stops who executes it, and how long it is; 0: there is none. */
extern const uint8_t cpu_breakpoint[4];
extern const size_t cpu_breakpoint_bytes;
/* Where it is that a task has stopped for. */
uint64_t cpu_breakpoint_addr(const struct cpu_regs *regs);
/* The next instruction is that at ADDR. */
void cpu_go_to(struct cpu_regs *regs, uint64_t addr);

/* Offset of a system call instruction in CODE, 0: none found. */
size_t cpu_find_syscall(const uint8_t *code, size_t bytes);

#endif
