/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where launches cannot be followed: only their page tables are looked at. */
#include "cpu.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

const uint32_t cpu_audit_arch = 0;
const uint32_t cpu_other_abi_bit = 0;

void cpu_set_call(struct cpu_regs *regs, uint64_t addr, long nr, uint64_t arg)
{
	(void)regs;
	(void)addr;
	(void)nr;
	(void)arg;
}

void cpu_set_mmap_flags(struct cpu_regs *regs, uint64_t flags)
{
	(void)regs;
	(void)flags;
}

const uint8_t cpu_breakpoint[4] = { 0 };
const size_t cpu_breakpoint_bytes = 0;

uint64_t cpu_breakpoint_addr(const struct cpu_regs *regs)
{
	(void)regs;
	return 0;
}

void cpu_go_to(struct cpu_regs *regs, uint64_t addr)
{
	(void)regs;
	(void)addr;
}

size_t cpu_find_syscall(const uint8_t *code, size_t bytes)
{
	(void)code;
	(void)bytes;
	return 0;
}
#endif
