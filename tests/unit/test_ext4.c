/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small file system built by hand, so that each field can be damaged alone. What real ones
 * read is in tests/system/places.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ext4-format.h"
#include "ext4.h"
#include "macro.h"

#define BLOCK	 1024u
#define N_BLOCKS 1024u
enum {
	TABLE = 5,	/* block of the inode table: 16 blocks with 64 inodes */
	DIRECTORY = 40, /* 300 blocks */
	N_DIRECTORY = 300,
	NODE = 400, /* the tree of TREE_FILE: NODE -> LEAF, LEAF + 1 */
	LEAF = 401,
	INDIRECT = 410, /* of OLD_FILE; and two levels: 411 -> 412, 413 */
	ACL = 420,
	SMALL_DIR = 430,
};
enum {
	SMALL_FILE = 11,
	TREE_FILE,
	OLD_FILE,
	INLINE_FILE,
	ACL_FILE,
	LINK,
	SMALL,
	OLD_DIR,
};

static uint8_t image[N_BLOCKS * BLOCK], base[sizeof(image)];
static int device;

static struct ext4_super *super(void)
{
	return (struct ext4_super *)(image + EXT4_SUPER_OFF);
}

static struct ext4_inode *inode(uint32_t ino)
{
	return (struct ext4_inode *)(image + TABLE * BLOCK + (ino - 1) * 256);
}

static void put_header(uint8_t *at, unsigned n, unsigned depth)
{
	struct ext4_extent_header h = { .magic = le16_make(EXT4_EXTENT_MAGIC),
					.n_entries = le16_make((uint16_t)n),
					.max_entries = le16_make(4),
					.depth = le16_make((uint16_t)depth) };

	memcpy(at, &h, sizeof(h));
}

static void put_extent(uint8_t *node, unsigned i, uint32_t start, unsigned n)
{
	struct ext4_extent e = { .n_blocks = le16_make((uint16_t)n),
				 .start_low = le32_make(start) };

	memcpy(node + (i + 1) * sizeof(e), &e, sizeof(e));
}

static void put_index(uint8_t *node, unsigned i, uint32_t child)
{
	struct ext4_extent_index e = { .child_low = le32_make(child) };

	memcpy(node + (i + 1) * sizeof(e), &e, sizeof(e));
}

static void put_number(uint32_t block, unsigned i, uint32_t number)
{
	le32 v = le32_make(number);

	memcpy(image + block * BLOCK + i * sizeof(v), &v, sizeof(v));
}

/* The only name of a block. */
static void put_name(uint32_t block, uint32_t ino, uint8_t type, const char *name)
{
	struct ext4_dirent e = { .ino = le32_make(ino),
				 .bytes = le16_make(BLOCK),
				 .name_bytes = (uint8_t)strlen(name),
				 .type = type };

	memcpy(image + block * BLOCK, &e, sizeof(e));
	memcpy(image + block * BLOCK + sizeof(e), name, strlen(name));
}

static void put_inode(uint32_t ino, unsigned mode, uint32_t size, uint32_t flags)
{
	inode(ino)->mode = le16_make((uint16_t)mode);
	inode(ino)->size_low = le32_make(size);
	inode(ino)->flags = le32_make(flags);
	if (flags & EXT4_FLAG_EXTENTS)
		put_header(inode(ino)->block, 0, 0);
}

static void put_super(void)
{
	struct ext4_super *s = super();

	s->n_inodes = s->inodes_per_group = le32_make(64);
	s->n_blocks_low = le32_make(N_BLOCKS);
	s->first_data_block = le32_make(1);
	s->blocks_per_group = le32_make(8192);
	s->magic = le16_make(EXT4_MAGIC);
	s->revision = le32_make(1);
	s->inode_bytes = le16_make(256);
	s->incompat = le32_make(EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_64BIT);
	s->ro_compat = le32_make(EXT4_RO_COMPAT_SPARSE_SUPER);
	s->desc_bytes = le16_make(64);
	memcpy(s->uuid, "0123456789abcdef", 16);
	put_number(2, 2, TABLE); /* the descriptor */
}

static void put_files(void)
{
	put_inode(SMALL_FILE, S_IFREG, 5000, EXT4_FLAG_EXTENTS);
	put_header(inode(SMALL_FILE)->block, 1, 0);
	put_extent(inode(SMALL_FILE)->block, 0, 500, 5);
	put_inode(TREE_FILE, S_IFREG, 5000, EXT4_FLAG_EXTENTS);
	put_header(inode(TREE_FILE)->block, 1, 2);
	put_index(inode(TREE_FILE)->block, 0, NODE);
	put_header(image + NODE * BLOCK, 2, 1);
	put_index(image + NODE * BLOCK, 0, LEAF);
	put_index(image + NODE * BLOCK, 1, LEAF + 1);
	put_inode(OLD_FILE, S_IFREG, 1 << 20, 0);
	for (unsigned i = 0; i < 14; i++) { /* none at three levels */
		le32 v = le32_make(i < 12 ? 600 + i : INDIRECT + i - 12);

		memcpy(inode(OLD_FILE)->block + 4 * i, &v, 4);
	}
	put_number(INDIRECT + 1, 0, INDIRECT + 2);
	put_number(INDIRECT + 1, 255, INDIRECT + 3);
	put_inode(INLINE_FILE, S_IFREG, 50, EXT4_FLAG_INLINE_DATA);
	memset(inode(INLINE_FILE)->block, 'x', 50);
	put_inode(ACL_FILE, S_IFREG, 0, EXT4_FLAG_EXTENTS);
	inode(ACL_FILE)->file_acl_low = le32_make(ACL);
	put_inode(LINK, S_IFLNK, 50, 0);
	memset(inode(LINK)->block, 'x', 50);
}

static void put_directories(void)
{
	put_inode(2, S_IFDIR, N_DIRECTORY * BLOCK, EXT4_FLAG_EXTENTS | EXT4_FLAG_INDEX);
	put_header(inode(2)->block, 2, 0);
	put_extent(inode(2)->block, 0, DIRECTORY, 100);
	put_extent(inode(2)->block, 1, DIRECTORY + 100, EXT4_EXTENT_LEN_MAX + 200);
	for (unsigned i = 0; i < N_DIRECTORY; i++)
		put_name(DIRECTORY + i, 60, 1, "x");
	put_name(DIRECTORY + 7, 0, 0, ""); /* a node of the index */
	put_name(DIRECTORY + 99, SMALL_FILE, 1, "libz.so.1.2");
	put_name(DIRECTORY + 251, 2, EXT4_TYPE_DIR, "..");
	put_name(DIRECTORY + 250, LINK, EXT4_TYPE_LINK, "libz.so.1");
	put_inode(SMALL, S_IFDIR, 2 * BLOCK, EXT4_FLAG_EXTENTS | EXT4_FLAG_INDEX);
	put_header(inode(SMALL)->block, 1, 0);
	put_extent(inode(SMALL)->block, 0, SMALL_DIR, 2);
	put_name(SMALL_DIR, 60, 1, "x");
	put_name(SMALL_DIR + 1, 60, 1, "y");
	put_inode(OLD_DIR, S_IFDIR, 13 * BLOCK, 0);
	for (unsigned i = 0; i < 13; i++) {
		le32 v = le32_make(i < 12 ? SMALL_DIR : INDIRECT + 4);

		memcpy(inode(OLD_DIR)->block + 4 * i, &v, 4);
	}
	put_number(INDIRECT + 4, 0, SMALL_DIR + 1);
}

/* WRITE_CORPUS=tests/fuzz/corpus/ext4: what starts the fuzzer; its format is there. */
static void keep(const char *name)
{
	static const uint32_t inos[] = { 2,	   SMALL_FILE,	TREE_FILE,
					 OLD_FILE, INLINE_FILE, ACL_FILE,
					 LINK,	   SMALL,	OLD_DIR };
	const char *dir = getenv("WRITE_CORPUS");
	char path[4096];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputc(ARRAY_SIZE(inos), f);
	for (size_t i = 0; i < ARRAY_SIZE(inos); i++)
		fputc((int)inos[i], f);
	for (size_t at = 0, n; at < sizeof(image); at += n) {
		le32 off = le32_make((uint32_t)at);

		for (n = 0; n < 255 && at + n < sizeof(image) && image[at + n]; n++)
			;
		if (n > 0) {
			fwrite(&off, 1, 3, f);
			fputc((int)n, f);
			fwrite(image + at, 1, n, f);
		}
		n += n < 255;
	}
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	put_super();
	put_files();
	put_directories();
	memcpy(base, image, sizeof(base));
	keep("small");
	device = memfd_create("device", MFD_CLOEXEC);
	return device < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return close(device);
}

static int reset(void **state)
{
	(void)state;
	memcpy(image, base, sizeof(image));
	return ftruncate(device, sizeof(image));
}

static int open_image(struct ext4 *ret)
{
	assert_int_equal(pwrite(device, image, sizeof(image), 0), sizeof(image));
	return ext4_open(device, ret);
}

/* The blocks found, as "first+n first+n", in R of the call that found them. */
static const char *text_of(struct ext4_blocks *b)
{
	static char text[4096];
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < b->n && n < sizeof(text) - 32; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu+%u", i ? " " : "",
				      (unsigned long long)b->items[i].first, b->items[i].n);
	ext4_blocks_done(b);
	return text;
}

static const char *tree_of(uint32_t ino, int *ret)
{
	struct ext4_blocks b = { 0 };
	struct ext4 fs;

	assert_int_equal(open_image(&fs), 0);
	*ret = ext4_add_tree(&fs, ino, &b);
	return text_of(&b);
}

struct wanted {
	uint32_t ino;
	unsigned n_names, n_links, n_dirs;
};

static bool wants(const struct ext4_name *name, void *userdata)
{
	struct wanted *w = userdata;

	w->n_names++;
	w->n_dirs += name->is_dir;
	w->n_links += name->is_link && name->bytes == 9 &&
		      memcmp(name->name, "libz.so.1", 9) == 0;
	return name->ino == w->ino;
}

static const char *directory_of(uint32_t ino, struct wanted *w, int *ret)
{
	struct ext4_blocks b = { 0 };
	struct ext4 fs;

	assert_int_equal(open_image(&fs), 0);
	*ret = ext4_add_directory(&fs, ino, wants, w, &b);
	return text_of(&b);
}

static void test_superblock(void **state)
{
	struct ext4 fs;

	(void)state;
	assert_int_equal(open_image(&fs), 0);
	assert_int_equal(fs.size_bytes, sizeof(image));
	assert_int_equal(fs.block_bytes, BLOCK);
	assert_memory_equal(fs.uuid, "0123456789abcdef", 16);
}

/* The fields of the superblock, one by one, with what they must not be. */
static void test_superblock_fields(void **state)
{
	struct ext4 fs;

	(void)state;
#define REFUSED(error, ...)                                                                \
	do {                                                                               \
		reset(NULL);                                                               \
		__VA_ARGS__;                                                               \
		assert_int_equal(open_image(&fs), error);                                  \
	} while (0)
	REFUSED(-EBADMSG, super()->magic = le16_make(0xef54));
	REFUSED(-EBADMSG, super()->log_block_size = le32_make(7));
	REFUSED(-EBADMSG, super()->log_block_size = le32_make(UINT32_MAX));
	REFUSED(-EBADMSG,
		super()->log_block_size = le32_make(1)); /* larger than the device */
	REFUSED(-EBADMSG, super()->n_blocks_low = le32_make(N_BLOCKS + 1));
	REFUSED(-EBADMSG, super()->n_blocks_low = le32_make(1));
	REFUSED(-EBADMSG, super()->n_blocks_high = le32_make(1));
	REFUSED(-EBADMSG, super()->n_blocks_high = le32_make(UINT32_MAX));
	REFUSED(-EBADMSG, super()->first_data_block = le32_make(UINT32_MAX));
	REFUSED(-EBADMSG, super()->blocks_per_group = le32_make(0));
	REFUSED(-EBADMSG, super()->blocks_per_group = le32_make(1));
	REFUSED(-EBADMSG, super()->inodes_per_group = le32_make(0));
	REFUSED(-EBADMSG, super()->inodes_per_group = le32_make(63));
	REFUSED(-EBADMSG, super()->n_inodes = le32_make(65));
	REFUSED(-EBADMSG, super()->inode_bytes = le16_make(0));
	REFUSED(-EBADMSG, super()->inode_bytes = le16_make(64));
	REFUSED(-EBADMSG, super()->inode_bytes = le16_make(192));
	REFUSED(-EBADMSG, super()->inode_bytes = le16_make(2048));
	REFUSED(-EBADMSG, super()->desc_bytes = le16_make(32));
	REFUSED(-EBADMSG, super()->desc_bytes = le16_make(96));
	REFUSED(-EBADMSG, super()->desc_bytes = le16_make(2048));
	REFUSED(-ENOTSUP, memset(super()->uuid, 0, 16));
	REFUSED(-ENOTSUP, super()->incompat = le32_make(0x8a));
	REFUSED(-EBADMSG, memset(image, 0, sizeof(image)));
	/* And what may be. */
	REFUSED(0, super()->n_blocks_low = le32_make(N_BLOCKS - 1));
	REFUSED(0, super()->inode_bytes = le16_make(1024));
	REFUSED(0, super()->revision = le32_make(0); super()->inode_bytes = le16_make(77));
	REFUSED(0, super()->incompat = le32_make(2); super()->n_blocks_high = le32_make(9));
#undef REFUSED
}

static void test_device_too_small(void **state)
{
	struct ext4 fs;

	(void)state;
	assert_int_equal(open_image(&fs), 0);
	assert_int_equal(ftruncate(device, sizeof(image) - 1), 0);
	assert_int_equal(ext4_open(device, &fs), -EBADMSG);
	assert_int_equal(ftruncate(device, EXT4_SUPER_OFF + 100), 0);
	assert_int_equal(ext4_open(device, &fs), -EBADMSG);
	assert_int_equal(ftruncate(device, 0), 0);
	assert_int_equal(ext4_open(device, &fs), -EBADMSG);
}

static void add_inode(struct ext4 *fs, uint32_t ino, int error, const char *text)
{
	struct ext4_blocks b = { 0 };

	assert_int_equal(ext4_add_inode(fs, ino, &b), error);
	assert_string_equal(text_of(&b), text);
}

static void test_inodes(void **state)
{
	struct ext4 fs;

	(void)state;
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 0, -EINVAL, "");
	add_inode(&fs, 1, 0, "5+1");
	add_inode(&fs, 4, 0, "5+1");
	add_inode(&fs, 5, 0, "6+1");
	add_inode(&fs, 64, 0, "20+1");
	add_inode(&fs, 65, -EINVAL, "");
	put_number(2, 2, N_BLOCKS); /* the table is outside */
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 1, -EBADMSG, "");
	put_number(2, 2, N_BLOCKS - 1); /* its end is */
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 4, 0, "1023+1");
	add_inode(&fs, 5, -EBADMSG, "");
	put_number(2, 2, TABLE);
	put_number(2, 10, 1); /* upper half */
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 1, -EBADMSG, "");
	put_number(2, 10, UINT32_MAX);
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 1, -EBADMSG, "");
}

/* Descriptors that are not all in one place, and which groups have a copy before them. */
static void test_meta_groups(void **state)
{
	static const struct {
		uint32_t group, block;
	} cases[] = {
		{ 0, 2 },
		{ 15, 2 },
		{ 16, 1 + 16 * 8 },
		{ 48, 1 + 48 * 8 },
		{ 112, 1 + 112 * 8 },
	};
	struct ext4_super *s = super();
	struct ext4 fs;

	(void)state;
	s->incompat = le32_make(EXT4_INCOMPAT_META_BG | EXT4_INCOMPAT_64BIT);
	s->blocks_per_group = s->inodes_per_group = le32_make(8);
	s->n_inodes = le32_make(128 * 8);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		put_number(cases[i].block, (cases[i].group % 16) * 16 + 2,
			   100 + cases[i].group);
	assert_int_equal(open_image(&fs), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u+1", 100 + cases[i].group);
		add_inode(&fs, cases[i].group * 8 + 1, 0, text);
	}
	/* Without SPARSE_SUPER every group has a copy: one block further. */
	s->ro_compat = le32_make(0);
	put_number(1 + 48 * 8 + 1, 2, 900);
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 48 * 8 + 1, 0, "900+1");
	/* With SPARSE_SUPER2 those two that are named, either of them. */
	s->compat = le32_make(EXT4_COMPAT_SPARSE_SUPER2);
	put_number(1 + 48 * 8, 2, 902);
	for (int i = 0; i < 2; i++) {
		s->backup_groups[i] = le32_make(48);
		s->backup_groups[1 - i] = le32_make(7);
		assert_int_equal(open_image(&fs), 0);
		add_inode(&fs, 48 * 8 + 1, 0, "900+1");
	}
	s->backup_groups[1] = le32_make(16);
	s->backup_groups[0] = le32_make(7);
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 48 * 8 + 1, 0, "902+1");
	s->compat = le32_make(0);
	/* All together again, from the first meta group on. */
	s->first_meta_bg = le32_make(4);
	put_number(5, 2, 901);
	assert_int_equal(open_image(&fs), 0);
	add_inode(&fs, 48 * 8 + 1, 0, "901+1");
}

static void test_trees(void **state)
{
	int r;

	(void)state;
	assert_string_equal(tree_of(SMALL_FILE, &r), "");
	assert_int_equal(r, 0);
	assert_string_equal(tree_of(TREE_FILE, &r), "400+1 401+1 402+1");
	assert_int_equal(r, 0);
	assert_string_equal(tree_of(OLD_FILE, &r), "410+1 411+1 412+1 413+1");
	assert_int_equal(r, 0);
	assert_string_equal(tree_of(ACL_FILE, &r), "420+1");
	assert_int_equal(r, 0);
	assert_string_equal(tree_of(INLINE_FILE, &r), "");
	assert_int_equal(r, 0);
	assert_string_equal(tree_of(LINK, &r), "");
	assert_int_equal(r, 0);
	tree_of(65, &r);
	assert_int_equal(r, -EINVAL);
}

static void test_damaged_trees(void **state)
{
	struct ext4_extent_header *root = (void *)inode(TREE_FILE)->block,
				  *node = (void *)(image + NODE * BLOCK);
	int r;

	(void)state;
#define REFUSED(found, ...)                                                                \
	do {                                                                               \
		reset(NULL);                                                               \
		__VA_ARGS__;                                                               \
		assert_string_equal(tree_of(TREE_FILE, &r), found);                        \
		assert_int_equal(r, -EBADMSG);                                             \
	} while (0)
	REFUSED("", root->magic = le16_make(0xf30b));
	REFUSED("", root->n_entries = le16_make(5));
	REFUSED("", root->depth = le16_make(6));
	REFUSED("", root->depth = le16_make(UINT16_MAX));
	REFUSED("400+1", root->depth = le16_make(3)); /* the node says 1 */
	REFUSED("400+1", node->magic = le16_make(0));
	REFUSED("400+1", node->depth = le16_make(2));
	REFUSED("400+1", node->depth = le16_make(0));
	REFUSED("400+1", node->n_entries = le16_make(85)); /* 84 fit */
	REFUSED("", put_index(inode(TREE_FILE)->block, 0, N_BLOCKS));
	REFUSED("", put_index(inode(TREE_FILE)->block, 0, UINT32_MAX));
	REFUSED("400+1 401+1", put_index(image + NODE * BLOCK, 1, N_BLOCKS));
	REFUSED("", inode(TREE_FILE)->file_acl_low = le32_make(N_BLOCKS));
	REFUSED("", inode(TREE_FILE)->file_acl_high = le16_make(1));
#undef REFUSED
}

/* A tree that leads back to itself ends at the limit; a deep one by its depth. */
static void test_endless_trees(void **state)
{
	struct ext4_blocks b = { 0 };
	struct ext4 fs;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		put_number(INDIRECT, i, INDIRECT);
	put_number(TABLE + (OLD_FILE - 1) / 4, (OLD_FILE - 1) % 4 * 64 + 10 + 14, INDIRECT);
	assert_int_equal(open_image(&fs), 0);
	assert_int_equal(ext4_add_tree(&fs, OLD_FILE, &b), -E2BIG);
	assert_int_equal(b.n, 4096);
	ext4_blocks_done(&b);
}

static void test_directories(void **state)
{
	struct wanted w = { .ino = SMALL_FILE };
	int r;

	(void)state;
	/* Root and node of the index, and the leaf with the name; all names are asked for. */
	assert_string_equal(directory_of(2, &w, &r), "40+1 47+1 139+1");
	assert_int_equal(r, 0);
	assert_int_equal(w.n_names, N_DIRECTORY - 1);
	assert_int_equal(w.n_links, 1);
	assert_int_equal(w.n_dirs, 1);
	w = (struct wanted){ 0 };
	assert_string_equal(directory_of(SMALL, &w, &r),
			    "430+1 431+1"); /* all of a small one */
	assert_int_equal(r, 0);
	directory_of(OLD_DIR, &w, &r);
	assert_int_equal(r, 0);
	directory_of(SMALL_FILE, &w, &r);
	assert_int_equal(r, -ENOTDIR);
	directory_of(0, &w, &r);
	assert_int_equal(r, -EINVAL);
	/* Inline: the names are where the inode is. */
	inode(SMALL)->flags = le32_make(EXT4_FLAG_INLINE_DATA);
	assert_string_equal(directory_of(SMALL, &w, &r), "");
	assert_int_equal(r, 0);
	/* No type, no links. */
	super()->incompat = le32_make(EXT4_INCOMPAT_64BIT);
	w = (struct wanted){ 0 };
	directory_of(2, &w, &r);
	assert_int_equal(r, 0);
	assert_int_equal(w.n_links + w.n_dirs, 0);
}

/* A directory without an index is read from its start to the name: all of it counts. */
static void test_directory_without_index(void **state)
{
	struct wanted w = { 0 };
	struct ext4_blocks b = { 0 };
	struct ext4 fs;

	(void)state;
	inode(2)->flags = le32_make(EXT4_FLAG_EXTENTS);
	assert_int_equal(open_image(&fs), 0);
	assert_int_equal(ext4_add_directory(&fs, 2, wants, &w, &b), 0);
	assert_int_equal(b.n, N_DIRECTORY);
	ext4_blocks_done(&b);
}

static void test_damaged_directories(void **state)
{
	struct ext4_dirent *e = (void *)(image + SMALL_DIR * BLOCK);
	struct wanted w = { 0 };
	int r;

	(void)state;
#define REFUSED(error, ...)                                                                \
	do {                                                                               \
		reset(NULL);                                                               \
		__VA_ARGS__;                                                               \
		directory_of(SMALL, &w, &r);                                               \
		assert_int_equal(r, error);                                                \
	} while (0)
	REFUSED(-EBADMSG, e->bytes = le16_make(0));
	REFUSED(-EBADMSG, e->bytes = le16_make(4));
	REFUSED(-EBADMSG, e->bytes = le16_make(14));
	REFUSED(-EBADMSG, e->bytes = le16_make(1028));
	REFUSED(-EBADMSG, e->bytes = le16_make(UINT16_MAX));
	REFUSED(-EBADMSG, e->bytes = le16_make(1020)); /* four bytes are no entry */
	REFUSED(-EBADMSG, e->bytes = le16_make(12); e->name_bytes = 5);
	REFUSED(-EBADMSG, put_extent(inode(SMALL)->block, 0, N_BLOCKS - 1, 2));
	REFUSED(-EBADMSG, put_extent(inode(SMALL)->block, 0, UINT32_MAX, 2));
	REFUSED(-E2BIG, inode(SMALL)->size_low = le32_make((16 << 20) + 1));
	REFUSED(-E2BIG, inode(SMALL)->size_high = le32_make(1));
	REFUSED(0, inode(SMALL)->size_low = le32_make(0));
	REFUSED(0, inode(SMALL)->size_low = le32_make(16 << 20));
#undef REFUSED
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_superblock, reset),
		cmocka_unit_test_setup(test_superblock_fields, reset),
		cmocka_unit_test_setup(test_device_too_small, reset),
		cmocka_unit_test_setup(test_inodes, reset),
		cmocka_unit_test_setup(test_meta_groups, reset),
		cmocka_unit_test_setup(test_trees, reset),
		cmocka_unit_test_setup(test_damaged_trees, reset),
		cmocka_unit_test_setup(test_endless_trees, reset),
		cmocka_unit_test_setup(test_directories, reset),
		cmocka_unit_test_setup(test_directory_without_index, reset),
		cmocka_unit_test_setup(test_damaged_directories, reset),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
