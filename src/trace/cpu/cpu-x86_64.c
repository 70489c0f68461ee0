/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu.h"

#ifdef __x86_64__
#include <linux/audit.h>

const uint32_t cpu_audit_arch = AUDIT_ARCH_X86_64;
const uint32_t cpu_other_abi_bit = 0x40000000; /* __X32_SYSCALL_BIT */

void cpu_set_call(struct cpu_regs *regs, uint64_t addr, long nr, uint64_t arg)
{
	regs->r.rip = addr;
	regs->r.rax = (unsigned long)nr;
	regs->r.rdi = arg;
	regs->r.orig_rax = ~0ull; /* not in a call that might be restarted */
}

void cpu_set_mmap_flags(struct cpu_regs *regs, uint64_t flags)
{
	regs->r.r10 = flags;
}

const uint8_t cpu_breakpoint[4] = { 0xcc }; /* int3 */
const size_t cpu_breakpoint_bytes = 1;

uint64_t cpu_breakpoint_addr(const struct cpu_regs *regs)
{
	return regs->r.rip - 1;
}

void cpu_go_to(struct cpu_regs *regs, uint64_t addr)
{
	regs->r.rip = addr;
}

size_t cpu_find_syscall(const uint8_t *code, size_t bytes)
{
	for (size_t i = 0; i + 1 < bytes; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x05)
			return i;
	return 0;
}
#endif
