/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the filter says of calls, by a machine of our own for its few instructions: qemu-user,
 * which is how other processors' builds are tried, installs none. What the kernel makes of it
 * is in test_sandbox.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "syscall-filter.h"

#if defined(__x86_64__)
#define OURS   AUDIT_ARCH_X86_64
#define OTHERS AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define OURS   AUDIT_ARCH_AARCH64
#define OTHERS AUDIT_ARCH_ARM
#elif defined(__ARMEL__)
#define OURS   AUDIT_ARCH_ARM
#define OTHERS AUDIT_ARCH_ARMEB
#elif defined(__i386__)
#define OURS   AUDIT_ARCH_I386
#define OTHERS AUDIT_ARCH_X86_64
#elif defined(__riscv) && __riscv_xlen == 64
#define OURS   AUDIT_ARCH_RISCV64
#define OTHERS AUDIT_ARCH_RISCV32
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define OURS   AUDIT_ARCH_PPC64LE
#define OTHERS AUDIT_ARCH_PPC
#elif defined(__s390x__)
#define OURS   AUDIT_ARCH_S390X
#define OTHERS AUDIT_ARCH_S390
#endif

#define DENIED	(SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

static struct sock_filter code[SYSCALL_FILTER_LONGEST];
static unsigned short n_code;

static int setup(void **state)
{
	(void)state;
	n_code = syscall_filter_make(code);
	return n_code == 0;
}

static int is_taken(const struct sock_filter *i, uint32_t accumulator)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return accumulator == i->k;
	case BPF_JGE:
		return accumulator >= i->k;
	case BPF_JSET:
		return (accumulator & i->k) != 0;
	}
	fail_msg("a jump of code 0x%x", i->code);
	return 0;
}

static uint32_t run(const struct seccomp_data *data)
{
	uint32_t accumulator = 0;

	for (unsigned at = 0; at < n_code; at++) {
		const struct sock_filter *i = &code[at];

		switch (BPF_CLASS(i->code)) {
		case BPF_RET:
			return i->k;
		case BPF_LD:
			assert_true(i->k % 4 == 0 && i->k <= sizeof(*data) - 4);
			memcpy(&accumulator, (const char *)data + i->k, 4);
			break;
		case BPF_JMP:
			at += is_taken(i, accumulator) ? i->jt : i->jf;
			break;
		default:
			fail_msg("an instruction of code 0x%x", i->code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

static uint32_t verdict_of(uint32_t nr, unsigned argument, uint64_t value)
{
	struct seccomp_data data = { .nr = (int)nr };

#ifdef OURS
	data.arch = OURS;
#endif
	data.args[argument] = value;
	return run(&data);
}

static uint32_t verdict(uint32_t nr)
{
	return verdict_of(nr, 0, 0);
}

static void test_needed(void **state)
{
	static const uint32_t needed[] = {
		SYS_read,  SYS_write,	   SYS_close,  SYS_openat,  SYS_munmap,
		SYS_futex, SYS_exit_group, SYS_getpid, SYS_fstatfs,
#ifdef SYS_mmap2
		SYS_mmap2,
#else
		SYS_mmap,
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		assert_int_equal(verdict(needed[i]), SECCOMP_RET_ALLOW);
}

static void test_forbidden(void **state)
{
	static const uint32_t forbidden[] = {
#define X(name) SYS_##name,
#include "syscall-list.h"
#undef X
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		assert_int_equal(verdict(forbidden[i]), DENIED);
}

/* Numbers behind those of the list, whatever they will mean. */
static void test_unknown(void **state)
{
	(void)state;
#ifdef OURS
	for (uint32_t nr = 463; nr < 2000; nr++)
		assert_int_equal(verdict(nr), UNKNOWN);
	assert_int_equal(verdict(0x0effff), UNKNOWN);
#else
	skip();
#endif
}

static void test_private_calls(void **state)
{
	uint32_t expected = UNKNOWN;

	(void)state;
#ifdef __ARMEL__
	expected = SECCOMP_RET_ALLOW;
#endif
#ifdef OURS
	assert_int_equal(verdict(0x0f0002), expected); /* cacheflush */
	assert_int_equal(verdict(0x0f0005), expected); /* set_tls */
#else
	(void)expected;
	skip();
#endif
}

/* x86-64 has x32's calls besides, by the same name. */
static void test_second_abi(void **state)
{
	(void)state;
#ifdef __x86_64__
	assert_int_equal(verdict(0x40000000u | SYS_read), DENIED);
	assert_int_equal(verdict(0x40000000u | SYS_kill), DENIED);
#else
	skip();
#endif
}

static void test_other_architecture(void **state)
{
	(void)state;
#ifdef OTHERS
	assert_int_equal(run(&(struct seccomp_data){ .nr = SYS_read, .arch = OTHERS }),
			 SECCOMP_RET_KILL_PROCESS);
#else
	skip();
#endif
}

static void test_exceptions(void **state)
{
	unsigned flags = 0;

	(void)state;
#ifdef __s390x__
	flags = 1;
#endif
	assert_int_equal(verdict_of(SYS_clone, flags, CLONE_THREAD | CLONE_VM),
			 SECCOMP_RET_ALLOW);
	assert_int_equal(verdict_of(SYS_clone, flags, 0), DENIED);
	assert_int_equal(verdict(SYS_clone3), UNKNOWN);
	assert_int_equal(verdict_of(SYS_tgkill, 0, (uint64_t)getpid()), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict_of(SYS_tgkill, 0, (uint64_t)getpid() + 1), DENIED);
	assert_int_equal(verdict_of(SYS_ioctl, 1, FIONREAD), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict_of(SYS_ioctl, 1, TIOCSTI), DENIED);
	/* The kernel looks at the lower half alone. */
	assert_int_equal(verdict_of(SYS_ioctl, 1, TIOCLINUX | 1ull << 32), DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_private_calls),
		cmocka_unit_test(test_second_abi),
		cmocka_unit_test(test_other_architecture),
		cmocka_unit_test(test_exceptions),
	};

	return cmocka_run_group_tests_name("syscall_filter", tests, setup, NULL);
}
