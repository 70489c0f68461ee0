/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel call is replaced by one that counts, can be made to hang, and passes on. The
 * shadows are built in memory: files are real, the mount table is made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/elf.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bounds.h"
#include "io.h"
#include "plugged.h"
#include "prefetch-job.h"
#include "prefetch-plan.h"
#include "residency.h"

enum { MAX_OBJECTS = 256, MAX_EXTENTS = 1024 };

static _Atomic unsigned n_calls, n_inside, max_inside;
static _Atomic off_t max_bytes, last_off;
static _Atomic bool out_of_order, hang, slow, filtered, slow_opens;
static sem_t release;

static void note_range(off_t off, off_t bytes)
{
	if (bytes > max_bytes)
		max_bytes = bytes;
	if (off < last_off)
		out_of_order = true;
	last_off = off;
}

static void be_inside(void)
{
	unsigned inside = ++n_inside;

	n_calls++;
	if (inside > max_inside)
		max_inside = inside;
	while (hang && sem_wait(&release) < 0)
		;
	sched_yield();
	if (slow)
		usleep(300);
	n_inside--;
}

/* These replace the C library's: one range, and several in one call. */
int posix_fadvise(int fd, off_t off, off_t bytes, int advice)
{
	if (advice == POSIX_FADV_WILLNEED) {
		note_range(off, bytes);
		be_inside();
	}
	/* The C library's own knows how 32-bit processors pass 64-bit numbers. */
	return ((int (*)(int, off_t, off_t, int))dlsym(RTLD_NEXT, "posix_fadvise64"))(
		fd, off, bytes, advice);
}

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t off)
{
	if (fd >= 0 && flags & MAP_FIXED)
		note_range(off, (off_t)bytes);
#ifdef SYS_mmap2
	return (void *)syscall(SYS_mmap2, at, bytes, prot, flags, fd, (long)(off >> 12));
#else
	return (void *)syscall(SYS_mmap, at, bytes, prot, flags, fd, off);
#endif
}

int madvise(void *at, size_t bytes, int advice)
{
	if (advice == MADV_WILLNEED && filtered) {
		errno = EPERM;
		return -1;
	}
	if (advice == MADV_WILLNEED)
		be_inside();
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

/* Opening: as long as an arm takes to an inode and back. */
long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && slow_opens)
		usleep(12000);
	return ((long (*)(long, ...))dlsym(RTLD_NEXT, "syscall"))(number, a[0], a[1], a[2],
								  a[3], a[4], a[5]);
}

static void reset_calls(void)
{
	n_calls = n_inside = max_inside = 0;
	max_bytes = last_off = 0;
	out_of_order = hang = slow = filtered = slow_opens = false;
}

static char dir[] = "/var/tmp/elfcast-test-prefetch-XXXXXX";
static int rootfd;
static struct mounts *all_local;

static struct shadow_object objects[MAX_OBJECTS];
static struct shadow_extent extents[MAX_EXTENTS];
static char strings[65536];
static size_t strings_bytes;
static struct shadow shadow;

static int setup(void **state)
{
	static const char table[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";

	(void)state;
	sem_init(&release, 0, 0);
	if (!mkdtemp(dir))
		return -1;
	rootfd = io_open_root(dir);
	return rootfd < 0 ? -1 : mounts_parse(table, strlen(table), &all_local);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	close(rootfd);
	mounts_free(all_local);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int start(void **state)
{
	(void)state;
	reset_calls();
	strings_bytes = 0;
	shadow = (struct shadow){ .kind = SHADOW_KIND_SHADOW,
				  .objects = objects,
				  .extents = extents,
				  .strings = strings };
	return 0;
}

static void write_file(const char *name, const void *data, size_t bytes)
{
	_cleanup_close_ int fd =
		openat(rootfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, data, bytes), 0);
	assert_int_equal(residency_evict(fd), 0);
}

static void make_file(const char *name, unsigned n_pages)
{
	_cleanup_free_ char *data = calloc(n_pages, PAGE_BYTES);

	assert_non_null(data);
	write_file(name, data, (size_t)n_pages * PAGE_BYTES);
}

/* An object as compile would have seen the file NAME now. */
static struct shadow_object *add_object(const char *name)
{
	struct shadow_object *o = &objects[shadow.n_objects++];
	struct identity id = { 0 };
	struct stat st;

	assert_true(shadow.n_objects <= MAX_OBJECTS);
	*o = (struct shadow_object){ .path = le32_make((uint32_t)strings_bytes),
				     .state = OBJECT_VALID,
				     .storage = STORAGE_FLASH,
				     .first_extent = le32_make(SHADOW_NONE) };
	strings_bytes += (size_t)sprintf(strings + strings_bytes, "/%s", name) + 1;
	assert_true(strings_bytes < sizeof(strings) - 300);
	if (fstatat(rootfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		id = identity_from_stat(&st);
	o->wanted_bytes = o->size_bytes = le64_make(id.size_bytes);
	o->ino = le64_make(id.ino);
	o->mtime_ns = le64_make((uint64_t)id.mtime_ns);
	o->ctime_ns = le64_make((uint64_t)id.ctime_ns);
	return o;
}

static void add_extent(uint32_t object, uint32_t first, uint32_t n_pages)
{
	le32 *link = &objects[object].first_extent;

	assert_true(shadow.n_extents < MAX_EXTENTS);
	while (le32_get(*link) != SHADOW_NONE &&
	       le32_get(extents[le32_get(*link)].first_pgno) < first)
		link = &extents[le32_get(*link)].next;
	extents[shadow.n_extents] = (struct shadow_extent){
		.object = le32_make(object),
		.first_pgno = le32_make(first),
		.n_pages = le32_make(n_pages),
		.next = *link,
	};
	*link = le32_make(shadow.n_extents++);
}

static struct prefetch_report run_on(const struct mounts *mounts, struct prefetch_options o)
{
	struct prefetch_report report;

	o.rootfd = rootfd;
	o.root_path = dir;
	assert_int_equal(prefetch_run(&shadow, mounts, &o, &report), 0);
	assert_int_equal(report.n_objects, shadow.n_objects);
	return report;
}

static struct prefetch_report run(struct prefetch_options o)
{
	return run_on(all_local, o);
}

/* Of a page of the processor's that is needed, all comes that lies in the file. */
static void widen(const char *pages, char *ret)
{
	size_t per = (size_t)sysconf(_SC_PAGESIZE) / PAGE_BYTES, n = strlen(pages);

	for (size_t i = 0; i < n; i++) {
		size_t first = i - i % per;

		ret[i] = memchr(pages + first, '#', MIN(per, n - first)) ? '#' : '.';
	}
	ret[n] = 0;
}

/* Pages that can be dropped can be told apart from pages that were read. */
static void check_resident(const char *name, const char *expected)
{
	_cleanup_close_ int fd = openat(rootfd, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *pages = NULL;
	struct statfs fs;
	uint32_t n;
	char text[256], wide[256];

	assert_int_equal(fstatfs(fd, &fs), 0);
	if (fs.f_type == 0x01021994) /* TMPFS_MAGIC */
		return;
	assert_int_equal(residency_read(fd, &pages, &n), 0);
	assert_true(n < sizeof(text));
	for (uint32_t i = 0; i < n; i++)
		text[i] = pages[i] ? '#' : '.';
	text[n] = 0;
	widen(expected, wide);
	assert_string_equal(text, wide);
}

static void test_exact_pages(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("a", 16);
	make_file("b", 5);
	make_file("unused", 3);
	add_object("a");
	add_object("b");
	add_object("unused");
	add_extent(0, 3, 2);
	add_extent(1, 4, 1);
	add_extent(0, 8, 1);
	add_extent(0, 14, 40); /* past the end: cut */
	add_extent(1, 5, 1);   /* all past the end */
	r = run((struct prefetch_options){ .wait = true });
	check_resident("a", "...##...#.....##");
	check_resident("b", "....#");
	check_resident("unused", "...");
	assert_int_equal(r.n_objects_used, 2);
	assert_int_equal(r.n_extents_asked, 4);
	assert_int_equal(r.n_pages_asked, 6);
	assert_false(r.deadline_hit);
	assert_int_equal(r.skips[2], OBJECT_NO_PAGES);
	free(r.skips);
}

static void test_calls_are_bounded(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("big", 1000);
	add_object("big");
	add_extent(0, 1, 999);
	r = run((struct prefetch_options){ .n_threads = 1 });
	assert_int_equal(r.n_pages_asked, 999);
	assert_true(max_bytes <= PREFETCH_LONGEST_BYTES);
	/* Two of them at once. */
	assert_true(n_calls >= 999 * PAGE_BYTES / (2 * PREFETCH_LONGEST_BYTES));
	free(r.skips);
}

static void test_each_reason(void **state)
{
	static const char nfs[] = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
				  "2 1 0:50 / %s/remote rw - nfs h:/ rw\n";
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	struct prefetch_report r;
	char table[512];

	(void)state;
	snprintf(table, sizeof(table), nfs, dir);
	assert_int_equal(mounts_parse(table, strlen(table), &mounts), 0);
	mkdirat(rootfd, "remote", 0700);
	mkdirat(rootfd, "directory", 0700);
	make_file("remote/x", 2);
	make_file("directory/x", 2);
	make_file("grown", 2);
	make_file("good", 2);
	make_file("empty", 0);
	mkfifoat(rootfd, "fifo", 0600);
	symlinkat("good", rootfd, "link");
	symlinkat("directory", rootfd, "linked");

	add_object("good")->state = OBJECT_STALE;
	add_object("remote/x");
	add_object("missing");
	add_object("link");
	add_object("linked/x");
	add_object("directory/x/y");
	add_object("directory");
	add_object("fifo");
	add_object("empty");
	add_object("grown");
	add_object("good");
	for (uint32_t i = 1; i < shadow.n_objects; i++)
		add_extent(i, 0, 1);
	make_file("grown", 3);
	r = run_on(mounts, (struct prefetch_options){ .wait = true });
	assert_int_equal(r.skips[0], OBJECT_NOT_VALID);
	assert_int_equal(r.skips[1], OBJECT_NOT_LOCAL);
	for (int i = 2; i <= 5; i++)
		assert_int_equal(r.skips[i], OBJECT_GONE);
	for (int i = 6; i <= 8; i++)
		assert_int_equal(r.skips[i], OBJECT_NOT_REGULAR);
	assert_int_equal(r.skips[9], OBJECT_CHANGED);
	assert_int_equal(r.skips[10], OBJECT_USED);
	assert_int_equal(r.n_objects_used, 1);
	check_resident("good", "#.");
	check_resident("grown", "...");
	free(r.skips);
}

/* A small ELF file whose note says ID. */
static void make_elf(const char *name, uint8_t id, unsigned n_pages)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr;
		Elf64_Nhdr nhdr;
		char name[4];
		uint8_t id[20];
	} *elf = calloc(n_pages, PAGE_BYTES);

	assert_non_null(elf);
	memcpy(elf->ehdr.e_ident, ELFMAG, SELFMAG);
	elf->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	elf->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	elf->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	elf->ehdr.e_type = ET_DYN;
	elf->ehdr.e_machine = EM_X86_64;
	elf->ehdr.e_version = EV_CURRENT;
	elf->ehdr.e_ehsize = sizeof(elf->ehdr);
	elf->ehdr.e_phoff = offsetof(__typeof__(*elf), phdr);
	elf->ehdr.e_phentsize = sizeof(elf->phdr);
	elf->ehdr.e_phnum = 1;
	elf->phdr.p_type = PT_NOTE;
	elf->phdr.p_offset = offsetof(__typeof__(*elf), nhdr);
	elf->phdr.p_filesz = elf->phdr.p_memsz = sizeof(elf->nhdr) + 4 + 20;
	elf->phdr.p_align = 4;
	elf->nhdr = (Elf64_Nhdr){ .n_namesz = 4,
				  .n_descsz = 20,
				  .n_type = 3 /* NT_GNU_BUILD_ID */ };
	memcpy(elf->name, "GNU", 4);
	memset(elf->id, id, sizeof(elf->id));
	write_file(name, elf, (size_t)n_pages * PAGE_BYTES);
	free(elf);
}

static void test_build_id_decides(void **state)
{
	struct prefetch_report r;

	(void)state;
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "same", "rebuilt", "cut", "data-now" };
		struct shadow_object *o;

		make_elf(names[i], 0xaa, 8);
		o = add_object(names[i]);
		o->buildid_bytes = 20;
		memset(o->buildid, 0xaa, 20);
		add_extent((uint32_t)i, 5, 2);
	}
	/* New times, perhaps a new inode; what is inside decides. */
	make_elf("same", 0xaa, 8);
	make_elf("rebuilt", 0xbb, 8);
	make_elf("cut", 0xaa, 6);
	make_file("data-now", 8);
	r = run((struct prefetch_options){ .wait = true });
	assert_int_equal(r.skips[0], OBJECT_USED);
	assert_int_equal(r.skips[1], OBJECT_CHANGED);
	assert_int_equal(r.skips[2], OBJECT_CHANGED);
	assert_int_equal(r.skips[3], OBJECT_CHANGED);
	assert_int_equal(r.n_pages_asked, 2);
	check_resident("same", "#....##.");
	check_resident("cut", "......");
	free(r.skips);
}

static void test_budget(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("x", 100);
	make_file("y", 100);
	add_object("x");
	add_object("y");
	add_extent(0, 0, 7);
	add_extent(0, 10, 10);
	add_extent(1, 0, 10);
	r = run((struct prefetch_options){ .n_threads = 1, .max_pages = 9, .wait = true });
	assert_int_equal(r.n_pages_asked, 9);
	assert_int_equal(r.skips[0], OBJECT_USED);
	assert_int_equal(r.skips[1], OBJECT_NOT_REACHED);
	free(r.skips);
}

/* Each of them a request, unless they go to the disk in one call. */
static void check_small_files(unsigned want_calls)
{
	struct prefetch_report r;
	char name[16];

	for (uint32_t i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "small%u", i);
		make_file(name, 1);
		add_object(name);
		add_extent(i, 0, 1);
	}
	r = run((struct prefetch_options){ .n_threads = 1, .wait = true });
	assert_int_equal(r.n_pages_asked, 32);
	assert_int_equal(r.n_objects_used, 32);
	assert_int_equal(n_calls, want_calls);
	free(r.skips);
	for (uint32_t i = 0; i < 32; i++) {
		_cleanup_close_ int fd = -1;
		uint8_t in = 0;
		void *p;

		snprintf(name, sizeof(name), "small%u", i);
		fd = openat(rootfd, name, O_RDONLY | O_CLOEXEC);
		p = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		assert_int_equal(mincore(p, PAGE_BYTES, &in), 0);
		assert_int_equal(in & 1, 1);
		munmap(p, PAGE_BYTES);
	}
}

static void test_small_files_are_asked_for_together(void **state)
{
	(void)state;
	check_small_files(1);
}

static void test_small_files_where_that_is_filtered(void **state)
{
	(void)state;
	filtered = true;
	check_small_files(32);
}

static void test_one_reader_where_disks_turn(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("turning", 5000);
	make_file("turning2", 5000);
	add_object("turning")->storage = STORAGE_ROTATIONAL;
	add_object("turning2")->storage = STORAGE_ROTATIONAL;
	for (uint32_t i = 0; i < 200; i++)
		add_extent(i % 2, 40 * (i / 2), 1);
	r = run((struct prefetch_options){ 0 });
	assert_int_equal(r.n_extents_asked, 200);
	assert_int_equal(max_inside, 1);
	assert_false(out_of_order);
	free(r.skips);
}

/* Neighbours are read with the first of them that is needed, and once. */
static void test_pieces_where_disks_turn(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("pieces", 1000);
	add_object("pieces")->storage = STORAGE_ROTATIONAL;
	add_extent(0, 500, 2);
	add_extent(0, 900, 1);
	add_extent(0, 470, 1);
	add_extent(0, 530, 1);
	r = run((struct prefetch_options){ .wait = true });
	assert_int_equal(r.n_extents_asked, 2);
	assert_int_equal(r.n_pages_asked, 531 - 470 + 1);
	assert_int_equal(r.skips[0], OBJECT_USED);
	free(r.skips);
	/* Not of a pack, which is one sweep. */
	shadow.kind = SHADOW_KIND_PACK;
	r = run((struct prefetch_options){ .wait = true });
	assert_int_equal(r.n_pages_asked, 5);
	free(r.skips);
}

/* A launch from an image, of 30 or 35 blocks in five directories: whether it was read to its end. */
static bool is_read_of_image(const char *fstype, unsigned n_blocks, bool wait)
{
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	struct prefetch_report r;
	char table[64], name[16];

	snprintf(table, sizeof(table), "1 0 7:0 / / ro - %s /dev/loop0 ro\n", fstype);
	assert_int_equal(mounts_parse(table, strlen(table), &mounts), 0);
	start(NULL);
	for (uint32_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "dir%u", i);
		mkdirat(rootfd, name, 0700);
		strcat(name, "/file");
		make_file(name, 32 * n_blocks / 5);
		add_object(name)->storage = STORAGE_IMAGE;
		for (uint32_t k = 0; k < n_blocks / 5; k++)
			add_extent(i, 32 * k, 1);
	}
	slow_opens = true;
	r = run_on(mounts, (struct prefetch_options){ .wait = wait });
	slow_opens = false;
	free(r.skips);
	assert_true(r.stopped || r.n_objects_used == 5);
	return !r.stopped;
}

static void test_images_where_disks_turn(void **state)
{
	static const char *const fstypes[] = { "squashfs", "erofs" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fstypes); i++) {
		assert_false(is_read_of_image(fstypes[i], 30, false));
		/* As much as pays for the way to five directories; and before the launch. */
		assert_true(is_read_of_image(fstypes[i], 35, false));
		assert_true(is_read_of_image(fstypes[i], 30, true));
	}
}

static void test_nothing_to_do(void **state)
{
	struct prefetch_report r = run((struct prefetch_options){ .wait = true });

	(void)state;
	assert_int_equal(r.n_pages_asked, 0);
	free(r.skips);
}

static unsigned count_entries(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Descriptors once all workers, also of earlier tests, are gone: the last one cleans up. */
static unsigned count_idle_fds(void)
{
	while (count_entries("/proc/self/task") > 1)
		sched_yield();
	return count_entries("/proc/self/fd");
}

static void test_deadline_leaves_workers_behind(void **state)
{
	unsigned n_fds = count_idle_fds();
	struct prefetch_report r;

	(void)state;
	make_file("slow", 100);
	make_file("slow2", 100);
	add_object("slow");
	add_object("slow2");
	for (uint32_t i = 0; i < 50; i++)
		add_extent(i % 2, i, 1);
	hang = true;
	r = run((struct prefetch_options){ .deadline_ms = 20, .wait = true });
	assert_true(r.deadline_hit);
	free(r.skips);
	assert_int_equal(r.n_pages_asked, 0);
	/* They wake up later than their caller lived, and clean up. */
	hang = false;
	for (int i = 0; i < 50; i++)
		sem_post(&release);
	assert_int_equal(count_idle_fds(), n_fds);
}

/* In a child: limits cannot be raised again. 0: as it should be. */
static int run_with_few_descriptors(bool in_turn)
{
	struct rlimit limit = { 72, 72 };
	struct prefetch_report r;
	unsigned used = 0, denied = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	slow = true; /* openers get far ahead, as far as they may */
	r = run((struct prefetch_options){ .wait = false });
	for (uint32_t i = 0; i < r.n_objects; i++) {
		used += r.skips[i] == OBJECT_USED;
		denied += r.skips[i] == OBJECT_DENIED;
	}
	free(r.skips);
	if (used + denied != shadow.n_objects)
		return 2;
	return in_turn ? (denied ? 3 : 0) : (denied && used >= 20 ? 0 : 4);
}

static void check_few_descriptors(bool in_turn)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run_with_few_descriptors(in_turn));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_few_descriptors(void **state)
{
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		make_file(name, 2);
		add_object(name);
		add_extent(i, 0, 1);
	}
	/* One after the other: closed after the last extent, so they suffice. */
	check_few_descriptors(true);
	/* All are needed again at the end: some are skipped, nothing waits. */
	for (uint32_t i = 0; i < 200; i++)
		add_extent(i, 1, 1);
	check_few_descriptors(false);
}

static void test_descriptors_are_closed(void **state)
{
	unsigned n_fds = count_idle_fds();
	struct prefetch_report r;

	(void)state;
	make_file("a", 4);
	add_object("a");
	add_object("missing");
	add_extent(0, 0, 1);
	add_extent(1, 0, 1);
	r = run((struct prefetch_options){ .wait = true });
	free(r.skips);
	assert_int_equal(count_idle_fds(), n_fds);
}

/* One call is cut off the others only by its batch being waited for: few are under way. */
static void test_gentle_reads_in_order(void **state)
{
	struct prefetch_report r;

	(void)state;
	make_file("big", 1000);
	add_object("big");
	for (unsigned i = 0; i < 100; i++)
		add_extent(0, i * 10, 3);
	r = run((struct prefetch_options){ .gentle = true, .n_threads = 8 });
	assert_int_equal(r.n_pages_asked, 300);
	assert_int_equal(r.n_objects_used, 1);
	assert_int_equal(max_inside, 1);
	assert_false(out_of_order);
	assert_false(r.stopped);
	free(r.skips);
}

struct going_on {
	unsigned n_asked;
	uint64_t until_pages, last_pages;
};

static bool go_on(void *userdata, uint64_t pages_asked)
{
	struct going_on *g = userdata;

	g->n_asked++;
	g->last_pages = pages_asked;
	return pages_asked < g->until_pages;
}

static void test_gentle_stops_when_told(void **state)
{
	struct going_on g = { .until_pages = 2500 };
	struct prefetch_options o = { .gentle = true, .go_on = go_on, .userdata = &g };
	struct prefetch_report r;

	(void)state;
	make_file("big", 10000);
	make_file("later", 1);
	add_object("big");
	add_object("later");
	for (unsigned i = 0; i < 10; i++)
		add_extent(0, i * 1000, 1000);
	add_extent(1, 0, 1);
	r = run(o);
	assert_true(r.stopped);
	assert_false(r.deadline_hit);
	/* Asked at least every 2048 pages, and by whole extents. */
	assert_true(g.n_asked >= 2);
	assert_true(r.n_pages_asked >= 2500 && r.n_pages_asked <= 2500 + 2048 + 1000);
	assert_int_equal(r.skips[0], OBJECT_USED);
	assert_int_equal(r.skips[1], OBJECT_NOT_REACHED);
	free(r.skips);

	/* Asked before anything is read. */
	g.until_pages = 0;
	reset_calls();
	r = run(o);
	assert_true(r.stopped);
	assert_int_equal(n_calls, 0);
	assert_int_equal(r.skips[0], OBJECT_NOT_REACHED);
	free(r.skips);
}

static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i < OBJECT_SKIPS; i++)
		assert_true(strlen(object_skip_text(i)) > 0);
	assert_string_equal(object_skip_text(OBJECT_SKIPS), "unknown");
}

/* Room in the address space: whole pages of the processor, and one between two ranges. */
static void test_room_for_ranges(void **state)
{
	static const struct {
		size_t native;
		off_t off;
		uint32_t n_pages;
		size_t room; /* native pages */
	} cases[] = {
		{ 4096, 0, 1, 2 },	     { 4096, 3 * 4096, 5, 6 },
		{ 16384, 0, 1, 2 },	     { 16384, 0, 4, 2 },
		{ 16384, 0, 5, 3 },	     { 16384, 3 * 4096, 1, 2 },
		{ 16384, 3 * 4096, 2, 3 },   { 65536, 15 * 4096, 2, 3 },
		{ 65536, 16 * 4096, 16, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			plugged_room(cases[i].off, cases[i].n_pages, cases[i].native),
			cases[i].room * cases[i].native);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_for_ranges),
		cmocka_unit_test_setup(test_exact_pages, start),
		cmocka_unit_test_setup(test_calls_are_bounded, start),
		cmocka_unit_test_setup(test_each_reason, start),
		cmocka_unit_test_setup(test_build_id_decides, start),
		cmocka_unit_test_setup(test_budget, start),
		cmocka_unit_test_setup(test_small_files_are_asked_for_together, start),
		cmocka_unit_test_setup(test_small_files_where_that_is_filtered, start),
		cmocka_unit_test_setup(test_one_reader_where_disks_turn, start),
		cmocka_unit_test_setup(test_pieces_where_disks_turn, start),
		cmocka_unit_test_setup(test_images_where_disks_turn, start),
		cmocka_unit_test_setup(test_nothing_to_do, start),
		cmocka_unit_test_setup(test_deadline_leaves_workers_behind, start),
		cmocka_unit_test_setup(test_few_descriptors, start),
		cmocka_unit_test_setup(test_descriptors_are_closed, start),
		cmocka_unit_test_setup(test_gentle_reads_in_order, start),
		cmocka_unit_test_setup(test_gentle_stops_when_told, start),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
