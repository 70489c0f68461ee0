/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast-prefetch: reads the boot pack ahead. Options, and the switches that are off. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "boot.h"
#include "bounds.h"
#include "log.h"
#include "macro.h"

/* A sixteenth of memory is left to others. */
#define RESERVE_DIVISOR 16

enum {
	OPT_HELP = 0x100,
	OPT_VERSION,
	OPT_ROOT,
	OPT_PACK,
	OPT_DEADLINE,
	OPT_MAX_BYTES,
	OPT_RESERVE,
	OPT_REPORT,
	OPT_NO_METADATA,
	OPT_PLACES,
	OPT_NO_EAGER,
	OPT_ONLY_EAGER,
	OPT_EARLY,
	OPT_INITRAMFS,
	OPT_JSON,
};

static void print_help(void)
{
	printf("Usage: elfcast-prefetch [OPTION...]\n\n"
	       "Reads the boot pack ahead: what the launches of common programs need.\n\n"
	       "      --pack=FILE     this one instead of /var/lib/elfcast/boot.pack\n"
	       "      --places=FILE   and this one instead of boot.places there\n"
	       "      --deadline=MS   leave then, whatever the disk does (BootTime=)\n"
	       "      --max-bytes=N   ask for no more; suffixes K, M, G (BootBudget=)\n"
	       "      --reserve=N     stop when less memory is available (a sixteenth)\n"
	       "      --report=FILE   instead of /run/elfcast/boot.json\n"
	       "      --no-metadata   not the file systems' own blocks before\n"
	       "      --no-eager      wait for the end of the boot with all of it\n"
	       "      --only-eager    only what the boot itself needs\n"
	       "      --early         the same, for the one that comes when all is "
	       "mounted\n"
	       "      --initramfs     the same, for an initramfs that has just mounted the "
	       "root\n"
	       "      --root=DIR      the system below DIR\n"
	       "      --json          the report to standard output, not to /run\n"
	       "  -q, --quiet         errors only\n"
	       "  -v, --verbose       also name what was skipped\n"
	       "  -h, --help\n"
	       "      --version\n");
}

static int usage_error(const char *what, const char *value)
{
	if (what)
		log_error("'%s' is not %s", value, what);
	fputs("Try 'elfcast-prefetch --help'\n", stderr);
	return 2;
}

/* Digits, and one of K, M, G after them. */
static bool parse_bytes(const char *text, uint64_t *ret)
{
	static const char units[] = "KMG";
	unsigned long long x;
	const char *unit;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	x = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || (*end && (!unit || end[1])))
		return false;
	return !__builtin_mul_overflow(
		(uint64_t)x, unit ? UINT64_C(1) << 10 * (unit - units + 1) : 1, ret);
}

static bool parse_ms(const char *text, unsigned *ret)
{
	uint64_t x;

	if (!parse_bytes(text, &x) || text[strspn(text, "0123456789")] || x == 0 ||
	    x > LIMIT_WINDOW_MS)
		return false;
	*ret = (unsigned)x;
	return true;
}

/* -1: go on; else the exit status. */
static int take_option(int c, struct boot_options *o)
{
	switch (c) {
	case OPT_PACK:
		o->pack = optarg;
		return -1;
	case OPT_PLACES:
		o->places = optarg;
		return -1;
	case OPT_REPORT:
		o->report = optarg;
		return -1;
	case OPT_JSON:
		o->report = "/dev/stdout";
		return -1;
	case OPT_NO_METADATA:
		o->no_metadata = true;
		return -1;
	case OPT_NO_EAGER:
		o->no_eager = true;
		return -1;
	case OPT_ONLY_EAGER:
		o->only_eager = true;
		return -1;
	case OPT_EARLY:
		o->early = o->only_eager = true;
		return -1;
	case OPT_INITRAMFS:
		o->deaf = true;
		return -1;
	case OPT_ROOT:
		o->root = optarg;
		return -1;
	case OPT_DEADLINE:
		return parse_ms(optarg, &o->deadline_ms)
			       ? -1
			       : usage_error("a time in ms", optarg);
	case OPT_MAX_BYTES:
		o->has_max_bytes = true;
		return parse_bytes(optarg, &o->max_bytes) ? -1
							  : usage_error("a size", optarg);
	case OPT_RESERVE:
		return parse_bytes(optarg, &o->reserve_bytes)
			       ? -1
			       : usage_error("a size", optarg);
	case 'q':
		log_set_level(LOG_LEVEL_ERROR);
		return -1;
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return -1;
	case 'h':
		print_help();
		return 0;
	case OPT_VERSION:
		puts("elfcast-prefetch " ELFCAST_VERSION);
		return 0;
	default:
		return usage_error(NULL, NULL);
	}
}

static int parse_options(int argc, char *argv[], struct boot_options *o)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "pack", required_argument, NULL, OPT_PACK },
		{ "places", required_argument, NULL, OPT_PLACES },
		{ "deadline", required_argument, NULL, OPT_DEADLINE },
		{ "max-bytes", required_argument, NULL, OPT_MAX_BYTES },
		{ "reserve", required_argument, NULL, OPT_RESERVE },
		{ "report", required_argument, NULL, OPT_REPORT },
		{ "no-metadata", no_argument, NULL, OPT_NO_METADATA },
		{ "no-eager", no_argument, NULL, OPT_NO_EAGER },
		{ "only-eager", no_argument, NULL, OPT_ONLY_EAGER },
		{ "early", no_argument, NULL, OPT_EARLY },
		{ "initramfs", no_argument, NULL, OPT_INITRAMFS },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = -1;

	while (r < 0 && (c = getopt_long(argc, argv, "hqv", options, NULL)) >= 0)
		r = take_option(c, o);
	if (r < 0 && optind < argc) {
		log_error("unexpected argument '%s'", argv[optind]);
		r = usage_error(NULL, NULL);
	}
	return r;
}

/* Units have this as a condition; here it holds for whoever starts us otherwise. */
static bool has_word(const char *wanted)
{
	_cleanup_close_ int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	char text[4096], *word, *rest = text;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = 0;
	while ((word = strsep(&rest, " \n")))
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

/*
 * The kernel starts process 1 without /proc and /sys. Whoever asks for them has them, where
 * nobody else sees it.
 */
static bool has_proc(bool *ret_own_mounts)
{
	*ret_own_mounts = access("/proc/self/mountinfo", R_OK) < 0;
	if (!*ret_own_mounts)
		return true;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, NULL);
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

static uint64_t memory_bytes(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

/*
 * Before there are units. In an initramfs, as the root's own program in the root: when systemd
 * leaves that, it sends SIGTERM to all that is left, and what has no root's rights it does not
 * spare whatever it is called; so this is DEAF to it.
 */
static int read_before_units(bool deaf)
{
	struct boot_options o = { .only_eager = true,
				  .early = true,
				  .deaf = deaf,
				  .reserve_bytes = memory_bytes() / RESERVE_DIVISOR };

	setsid(); /* init hangs up the console */
	log_set_level(LOG_LEVEL_ERROR);
	if (!has_proc(&o.own_mounts) || has_word("elfcast=off") ||
	    has_word("elfcast=train"))
		return 0;
	return boot_supervise(&o);
}

/*
 * As process 1, named by init= on the kernel's command line: what the boot needs is read by a
 * child from the very first moment on, and the system's own init goes on here as if nothing
 * had been.
 */
static int run_as_init(char *argv[])
{
	static const char *const inits[] = { "/sbin/init", "/usr/lib/systemd/systemd",
					     "/lib/systemd/systemd", "/bin/sh" };

	if (fork() == 0)
		_exit(read_before_units(false));
	for (size_t i = 0; i < ARRAY_SIZE(inits); i++) {
		argv[0] = (char *)(uintptr_t)inits[i];
		execv(inits[i], argv);
	}
	log_error("no init to go on with");
	return 1;
}

int main(int argc, char *argv[])
{
	struct boot_options o = { .reserve_bytes = memory_bytes() / RESERVE_DIVISOR };
	int r;

	log_setup("elfcast-prefetch", LOG_LEVEL_INFO);
	/* The kernel hands words on to it, but none like our options. */
	if (getpid() == 1 && (argc < 2 || strncmp(argv[1], "--", 2) != 0))
		return run_as_init(argv);
	r = parse_options(argc, argv, &o);
	if (r >= 0)
		return r;
	/* Whoever starts it need not wait, nor be there any longer. */
	if (o.deaf)
		return fork() == 0 ? read_before_units(true) : 0;
	if (has_word("elfcast=off")) {
		log_info("switched off on the kernel's command line");
		return 0;
	}
	return boot_supervise(&o);
}
