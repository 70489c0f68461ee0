/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A list of what is forbidden, not of what is allowed: libc, librpm and libarchive make other
 * calls from version to version, and each that is missing from a list of the latter kind is a
 * profile that is not compiled.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "macro.h"
#include "syscall-filter.h"

/* What seccomp_data.arch is for this program's own calls. */
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#elif defined(__i386__)
#define NATIVE_ARCH AUDIT_ARCH_I386
#elif defined(__ARMEL__)
#define NATIVE_ARCH AUDIT_ARCH_ARM
#endif

/* Since pidfd_send_signal all of these have the same numbers; setxattrat is of Linux 6.13. */
#ifdef NATIVE_ARCH
#define FIRST_UNKNOWN 463u
#endif
#define X32_BIT 0x40000000u

/* 32-bit ARM has some of its own far behind the others, of which JITs need cacheflush(2). */
#ifdef __ARMEL__
#define FIRST_PRIVATE 0x0f0000u
#endif

/* Which argument of clone(2) are the flags. */
#ifdef __s390x__
#define NATIVE_CLONE_FLAGS 1
#else
#define NATIVE_CLONE_FLAGS 0
#endif

static const uint32_t forbidden[] = {
#define X(name) SYS_##name,
#include "syscall-list.h"
#undef X
};

/* A few instructions besides one for each of these. */
enum { LIST = ARRAY_SIZE(forbidden) };
_Static_assert(LIST < 250, "a jump spans 255 instructions");
_Static_assert(LIST + 40 <= SYSCALL_FILTER_LONGEST, "the filter does not fit");

struct filter {
	struct sock_filter *code;
	unsigned short n;
};

static void add(struct filter *f, struct sock_filter instruction)
{
	f->code[f->n++] = instruction;
}

static void load(struct filter *f, size_t offset)
{
	add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void finish(struct filter *f, uint32_t action)
{
	add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* The lower half of argument I. */
static size_t argument(unsigned i)
{
	size_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	return offsetof(struct seccomp_data, args) + 8 * i + half;
}

/* If the accumulator holds NR, look at argument I instead, for the N instructions behind. */
static void begin_call(struct filter *f, uint32_t nr, unsigned i, uint8_t n)
{
	add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, n + 1));
	load(f, argument(i));
}

static void jump(struct filter *f, uint16_t test, uint32_t k, uint8_t yes, uint8_t no)
{
	add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, k, yes, no));
}

static void add_architecture(struct filter *f)
{
#ifdef NATIVE_ARCH
	load(f, offsetof(struct seccomp_data, arch));
	jump(f, BPF_JEQ, NATIVE_ARCH, 1, 0);
	finish(f, SECCOMP_RET_KILL_PROCESS);
#endif
	load(f, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	jump(f, BPF_JGE, X32_BIT, 0, 1);
	finish(f, SECCOMP_RET_ERRNO | EPERM);
#endif
#ifdef FIRST_PRIVATE
	jump(f, BPF_JGE, FIRST_PRIVATE, 2, 0);
#endif
#ifdef FIRST_UNKNOWN
	jump(f, BPF_JGE, FIRST_UNKNOWN, 0, 1);
	finish(f, SECCOMP_RET_ERRNO | ENOSYS);
#endif
}

/* Calls of which some uses are needed. */
static void add_exceptions(struct filter *f)
{
	/* Threads, by the call whose flags can be seen; libc tries that after the other. */
	begin_call(f, SYS_clone, NATIVE_CLONE_FLAGS, 3);
	jump(f, BPF_JSET, CLONE_THREAD, 0, 1);
	finish(f, SECCOMP_RET_ALLOW);
	finish(f, SECCOMP_RET_ERRNO | EPERM);
#ifdef SYS_clone3
	jump(f, BPF_JEQ, SYS_clone3, 0, 1);
	finish(f, SECCOMP_RET_ERRNO | ENOSYS);
#endif
	/* abort(), so that who dies of it tells of what. */
	begin_call(f, SYS_tgkill, 0, 3);
	jump(f, BPF_JEQ, (uint32_t)getpid(), 0, 1);
	finish(f, SECCOMP_RET_ALLOW);
	finish(f, SECCOMP_RET_ERRNO | EPERM);
	/* Typing for whoever sits at the terminal. */
	begin_call(f, SYS_ioctl, 1, 4);
	jump(f, BPF_JEQ, TIOCSTI, 1, 0);
	jump(f, BPF_JEQ, TIOCLINUX, 0, 1);
	finish(f, SECCOMP_RET_ERRNO | EPERM);
	finish(f, SECCOMP_RET_ALLOW);
}

static void add_forbidden(struct filter *f)
{
	for (size_t i = 0; i < LIST; i++)
		jump(f, BPF_JEQ, forbidden[i], (uint8_t)(LIST - i), 0);
	finish(f, SECCOMP_RET_ALLOW);
	finish(f, SECCOMP_RET_ERRNO | EPERM);
}

unsigned short syscall_filter_make(struct sock_filter *code)
{
	struct filter f = { .code = code };

	add_architecture(&f);
	add_exceptions(&f);
	add_forbidden(&f);
	return f.n;
}

int syscall_filter_install(void)
{
	struct sock_filter code[SYSCALL_FILTER_LONGEST];
	struct sock_fprog program = { .len = syscall_filter_make(code), .filter = code };

	/* Speculation is none of its business, and to forbid it slows older kernels down. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		    &program) == 0)
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}
