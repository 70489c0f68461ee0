/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu.h"

#ifdef __aarch64__
#include <linux/audit.h>
#include <string.h>

#define SVC_0 0xd4000001u

const uint32_t cpu_audit_arch = AUDIT_ARCH_AARCH64;
const uint32_t cpu_other_abi_bit = 0;

void cpu_set_call(struct cpu_regs *regs, uint64_t addr, long nr, uint64_t arg)
{
	regs->r.pc = addr;
	regs->r.regs[8] = (unsigned long)nr;
	regs->r.regs[0] = arg;
}

void cpu_set_mmap_flags(struct cpu_regs *regs, uint64_t flags)
{
	regs->r.regs[3] = flags;
}

const uint8_t cpu_breakpoint[4] = { 0x00, 0x00, 0x20, 0xd4 }; /* brk #0 */
const size_t cpu_breakpoint_bytes = 4;

uint64_t cpu_breakpoint_addr(const struct cpu_regs *regs)
{
	return regs->r.pc;
}

void cpu_go_to(struct cpu_regs *regs, uint64_t addr)
{
	regs->r.pc = addr;
}

size_t cpu_find_syscall(const uint8_t *code, size_t bytes)
{
	uint32_t word;

	for (size_t i = 0; i + sizeof(word) <= bytes; i += sizeof(word)) {
		memcpy(&word, code + i, sizeof(word));
		if (word == SVC_0)
			return i;
	}
	return 0;
}
#endif
