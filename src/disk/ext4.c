/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One walk over what an inode points to, by extents or block map: it adds the blocks of the tree,
 * and hands ranges of data to a function. Of a directory these are looked into for the names
 * that will be asked for; of a file they are left alone.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bounds.h"
#include "ext4-format.h"
#include "ext4.h"
#include "macro.h"
#include "vec.h"

/*
 * Directories up to that size are taken whole: what a launch looks for in vain is spread over
 * all of their blocks, and 64 pages in one run cost two requests' time.
 */
#define WHOLE_DIRECTORY_BYTES (256u << 10)

/* Exactly BYTES, all of them inside the file system. */
static int read_at(const struct ext4 *fs, uint64_t off, void *ret, size_t bytes)
{
	ssize_t n;

	if (off > fs->size_bytes || bytes > fs->size_bytes - off)
		return -EBADMSG;
	do
		n = pread(fs->fd, ret, bytes, (off_t)off);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EBADMSG;
}

static bool is_power_of_2(uint32_t x)
{
	return x && (x & (x - 1)) == 0;
}

static void read_features(const struct ext4_super *s, struct ext4 *fs)
{
	fs->inode_bytes = 128;
	fs->desc_bytes = 32;
	if (le32_get(s->revision) == 0)
		return;
	fs->inode_bytes = le16_get(s->inode_bytes);
	fs->compat = le32_get(s->compat);
	fs->incompat = le32_get(s->incompat);
	fs->ro_compat = le32_get(s->ro_compat);
	fs->first_meta_bg = le32_get(s->first_meta_bg);
	for (int i = 0; i < 2; i++)
		fs->backup_groups[i] = le32_get(s->backup_groups[i]);
	if (fs->incompat & EXT4_INCOMPAT_64BIT)
		fs->desc_bytes = le16_get(s->desc_bytes);
}

/* As the kernel checks them before it mounts (fs/ext4/super.c), as far as we rely on it. */
static int check_geometry(struct ext4 *fs)
{
	uint64_t n_groups;

	if (!is_power_of_2(fs->inode_bytes) || fs->inode_bytes < 128 ||
	    fs->inode_bytes > fs->block_bytes)
		return -EBADMSG;
	if (!is_power_of_2(fs->desc_bytes) || fs->desc_bytes > fs->block_bytes ||
	    fs->desc_bytes < (fs->incompat & EXT4_INCOMPAT_64BIT ? 64 : 32))
		return -EBADMSG;
	if (fs->blocks_per_group == 0 || fs->inodes_per_group == 0 ||
	    fs->first_data_block >= fs->n_blocks)
		return -EBADMSG;
	n_groups = (fs->n_blocks - fs->first_data_block - 1) / fs->blocks_per_group + 1;
	if (n_groups > UINT32_MAX || n_groups * fs->inodes_per_group != fs->n_inodes)
		return -EBADMSG;
	fs->n_groups = (uint32_t)n_groups;
	fs->group = fs->n_groups; /* none yet */
	return 0;
}

static int read_super(struct ext4 *fs)
{
	static const uint8_t no_uuid[sizeof(fs->uuid)];
	struct ext4_super s;
	int r = read_at(fs, EXT4_SUPER_OFF, &s, sizeof(s));

	if (r < 0)
		return r;
	if (le16_get(s.magic) != EXT4_MAGIC || le32_get(s.log_block_size) > 6)
		return -EBADMSG;
	fs->block_bytes = 1024u << le32_get(s.log_block_size);
	fs->n_inodes = le32_get(s.n_inodes);
	fs->n_blocks = le32_get(s.n_blocks_low);
	fs->first_data_block = le32_get(s.first_data_block);
	fs->blocks_per_group = le32_get(s.blocks_per_group);
	fs->inodes_per_group = le32_get(s.inodes_per_group);
	memcpy(fs->uuid, s.uuid, sizeof(fs->uuid));
	read_features(&s, fs);
	if (fs->incompat & EXT4_INCOMPAT_JOURNAL_DEV ||
	    memcmp(fs->uuid, no_uuid, sizeof(no_uuid)) == 0)
		return -ENOTSUP;
	if (fs->incompat & EXT4_INCOMPAT_64BIT)
		fs->n_blocks |= (uint64_t)le32_get(s.n_blocks_high) << 32;
	return check_geometry(fs);
}

int ext4_open(int fd, struct ext4 *ret)
{
	struct ext4 fs = { .fd = fd };
	off_t device_bytes = lseek(fd, 0, SEEK_END);
	int r;

	if (device_bytes < 0)
		return -errno;
	fs.size_bytes = (uint64_t)device_bytes;
	r = read_super(&fs);
	if (r < 0)
		return r;
	if (fs.n_blocks > fs.size_bytes / fs.block_bytes)
		return -EBADMSG;
	fs.size_bytes = fs.n_blocks * fs.block_bytes;
	*ret = fs;
	return 0;
}

void ext4_blocks_done(struct ext4_blocks *b)
{
	free(b->items);
	*b = (struct ext4_blocks){ 0 };
}

static int add_blocks(const struct ext4 *fs, struct ext4_blocks *b, uint64_t first,
		      uint32_t n)
{
	if (first >= fs->n_blocks || n > fs->n_blocks - first)
		return -EBADMSG;
	if (b->n >= LIMIT_EXT4_RUNS)
		return -E2BIG;
	if (VEC_RESERVE_ONE(b->items, b->n, b->capacity) < 0)
		return -ENOMEM;
	b->items[b->n++] = (struct ext4_run){ first, n };
	return 0;
}

static bool is_power_of(uint32_t x, uint32_t base)
{
	while (x > 1 && x % base == 0)
		x /= base;
	return x == 1;
}

/* Whether a copy of the superblock stands before the descriptors in that group. */
static bool has_super(const struct ext4 *fs, uint32_t group)
{
	if (group == 0)
		return true;
	if (fs->compat & EXT4_COMPAT_SPARSE_SUPER2)
		return group == fs->backup_groups[0] || group == fs->backup_groups[1];
	if (group == 1 || !(fs->ro_compat & EXT4_RO_COMPAT_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

/* Block of the descriptor of GROUP: descriptor_loc() in fs/ext4/super.c. */
static uint64_t find_descriptor(const struct ext4 *fs, uint32_t group)
{
	uint32_t per_block = fs->block_bytes / fs->desc_bytes, nr = group / per_block;
	uint32_t super_block = fs->block_bytes == 1024;
	uint64_t first;

	if (!(fs->incompat & EXT4_INCOMPAT_META_BG) || nr < fs->first_meta_bg)
		return (uint64_t)super_block + nr + 1;
	first = (uint64_t)nr * per_block * fs->blocks_per_group + fs->first_data_block;
	if (super_block && nr == 0 && fs->first_data_block == 0)
		first++;
	return first + has_super(fs, nr * per_block);
}

/* The kernel keeps the descriptors of a mounted file system in memory: nothing to add. */
static int find_inode_table(struct ext4 *fs, uint32_t group)
{
	uint32_t per_block = fs->block_bytes / fs->desc_bytes;
	struct ext4_group_desc d = { 0 };
	uint64_t off;
	int r;

	if (group == fs->group)
		return 0;
	if (__builtin_mul_overflow(find_descriptor(fs, group), fs->block_bytes, &off))
		return -EBADMSG;
	r = read_at(fs, off + group % per_block * fs->desc_bytes, &d,
		    MIN(fs->desc_bytes, sizeof(d)));
	if (r < 0)
		return r;
	fs->inode_table = le32_get(d.inode_table_low);
	if (fs->desc_bytes > 32)
		fs->inode_table |= (uint64_t)le32_get(d.inode_table_high) << 32;
	fs->group = group;
	return 0;
}

/* Byte offset of an inode on the device. */
static int find_inode(struct ext4 *fs, uint32_t ino, uint64_t *ret)
{
	uint64_t off;
	int r;

	if (ino == 0 || ino > fs->n_inodes)
		return -EINVAL;
	r = find_inode_table(fs, (ino - 1) / fs->inodes_per_group);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(fs->inode_table, fs->block_bytes, &off) ||
	    off >= fs->size_bytes)
		return -EBADMSG;
	*ret = off + (uint64_t)((ino - 1) % fs->inodes_per_group) * fs->inode_bytes;
	return 0;
}

int ext4_add_inode(struct ext4 *fs, uint32_t ino, struct ext4_blocks *blocks)
{
	uint64_t off;
	int r = find_inode(fs, ino, &off);

	return r < 0 ? r : add_blocks(fs, blocks, off / fs->block_bytes, 1);
}

static int read_inode(struct ext4 *fs, uint32_t ino, struct ext4_inode *ret)
{
	uint64_t off;
	int r = find_inode(fs, ino, &off);

	return r < 0 ? r : read_at(fs, off, ret, sizeof(*ret));
}

/*
 * One inode's blocks. Blocks of the tree are added; blocks of data go to EACH, in order, if
 * there is one, else the leaves of the tree need not be read. Ends whatever is on the disk:
 * there is a limit on blocks of the tree, and on data where it is looked at.
 */
struct walk {
	struct ext4 *fs;
	struct ext4_blocks *blocks;
	uint32_t n_tree_blocks;
	uint64_t data_blocks_left; /* by the size of the file; only with EACH */
	int (*each)(struct walk *w, uint64_t first, uint32_t n);
	/* For a directory. */
	bool (*wants)(const struct ext4_name *name, void *userdata);
	void *userdata;
	uint8_t *buffer;
	uint64_t n_seen;
	bool all;
};

static int add_tree_block(struct walk *w, uint64_t block)
{
	if (w->n_tree_blocks++ >= LIMIT_EXT4_TREE_BLOCKS)
		return -E2BIG;
	return add_blocks(w->fs, w->blocks, block, 1);
}

static int walk_data(struct walk *w, uint64_t first, uint32_t n)
{
	n = (uint32_t)MIN(n, w->data_blocks_left);
	w->data_blocks_left -= n;
	if (first >= w->fs->n_blocks || n > w->fs->n_blocks - first)
		return -EBADMSG;
	return n > 0 ? w->each(w, first, n) : 0;
}

static int walk_node(struct walk *w, uint64_t block, unsigned depth);

/* An extent, or, above the leaves, a block of the tree: they have the same size. */
static int walk_entry(struct walk *w, const struct ext4_extent *e, unsigned depth)
{
	const struct ext4_extent_index *i = (const struct ext4_extent_index *)e;
	uint32_t n = le16_get(e->n_blocks);
	uint64_t child;
	int r;

	if (depth == 0) {
		if (n > EXT4_EXTENT_LEN_MAX)
			n -= EXT4_EXTENT_LEN_MAX;
		return walk_data(
			w, (uint64_t)le16_get(e->start_high) << 32 | le32_get(e->start_low),
			n);
	}
	child = (uint64_t)le16_get(i->child_high) << 32 | le32_get(i->child_low);
	r = add_tree_block(w, child);
	/* What a leaf holds is of interest only where the data is. */
	return r < 0 || (depth == 1 && !w->each) ? r : walk_node(w, child, depth - 1);
}

static int check_header(const struct ext4_extent_header *h, size_t bytes, unsigned depth)
{
	return le16_get(h->magic) == EXT4_EXTENT_MAGIC && le16_get(h->depth) == depth &&
			       le16_get(h->n_entries) <=
				       bytes / sizeof(struct ext4_extent) - 1
		       ? 0
		       : -EBADMSG;
}

static bool is_done(const struct walk *w)
{
	return w->each && w->data_blocks_left == 0;
}

/* A node that fills BLOCK, in pieces: at five levels no buffer may be large. */
static int walk_node(struct walk *w, uint64_t block, unsigned depth)
{
	struct ext4_extent entries[64];
	struct ext4_extent_header h;
	uint64_t off = block * w->fs->block_bytes;
	uint32_t n_left;
	int r = read_at(w->fs, off, &h, sizeof(h));

	if (r == 0)
		r = check_header(&h, w->fs->block_bytes, depth);
	if (r < 0)
		return r;
	off += sizeof(h);
	for (n_left = le16_get(h.n_entries); n_left > 0 && !is_done(w);) {
		uint32_t n = (uint32_t)MIN(n_left, ARRAY_SIZE(entries));

		r = read_at(w->fs, off, entries, n * sizeof(entries[0]));
		for (uint32_t i = 0; r == 0 && i < n && !is_done(w); i++)
			r = walk_entry(w, &entries[i], depth);
		if (r < 0)
			return r;
		off += n * sizeof(entries[0]);
		n_left -= n;
	}
	return 0;
}

static int walk_extents(struct walk *w, const struct ext4_inode *inode)
{
	struct ext4_extent entries[sizeof(inode->block) / sizeof(struct ext4_extent)];
	struct ext4_extent_header h;
	int r;

	memcpy(&h, inode->block, sizeof(h));
	memcpy(entries, inode->block, sizeof(entries));
	r = le16_get(h.depth) > EXT4_EXTENT_DEPTH_MAX
		    ? -EBADMSG
		    : check_header(&h, sizeof(inode->block), le16_get(h.depth));
	for (uint32_t i = 1; r == 0 && i <= le16_get(h.n_entries) && !is_done(w); i++)
		r = walk_entry(w, &entries[i], le16_get(h.depth));
	return r;
}

/* LEVEL 0: data; above: a block full of block numbers, 0 for a hole. */
static int walk_indirect(struct walk *w, uint32_t block, unsigned level)
{
	le32 numbers[64];
	int r;

	if (block == 0)
		return 0;
	if (level == 0)
		return w->each ? walk_data(w, block, 1) : 0;
	r = add_tree_block(w, block);
	if (r < 0 || (level == 1 && !w->each))
		return r;
	for (uint32_t at = 0; r == 0 && at < w->fs->block_bytes && !is_done(w);
	     at += sizeof(numbers)) {
		r = read_at(w->fs, (uint64_t)block * w->fs->block_bytes + at, numbers,
			    sizeof(numbers));
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers) && !is_done(w); i++)
			r = walk_indirect(w, le32_get(numbers[i]), level - 1);
	}
	return r;
}

/* As ext2 and ext3 do it. */
static int walk_block_map(struct walk *w, const struct ext4_inode *inode)
{
	le32 numbers[sizeof(inode->block) / sizeof(le32)];
	int r = 0;

	memcpy(numbers, inode->block, sizeof(numbers));
	for (unsigned i = 0; r == 0 && i < ARRAY_SIZE(numbers) && !is_done(w); i++)
		r = walk_indirect(w, le32_get(numbers[i]),
				  i < EXT4_DIRECT_BLOCKS ? 0 : i - EXT4_DIRECT_BLOCKS + 1);
	return r;
}

static int walk_inode(struct walk *w, const struct ext4_inode *inode)
{
	uint64_t acl = (uint64_t)le16_get(inode->file_acl_high) << 32 |
		       le32_get(inode->file_acl_low);
	int r = 0;

	if (acl)
		r = add_blocks(w->fs, w->blocks, acl, 1);
	if (r < 0 || le32_get(inode->flags) & EXT4_FLAG_INLINE_DATA)
		return r;
	return le32_get(inode->flags) & EXT4_FLAG_EXTENTS ? walk_extents(w, inode)
							  : walk_block_map(w, inode);
}

int ext4_add_tree(struct ext4 *fs, uint32_t ino, struct ext4_blocks *blocks)
{
	struct walk w = { .fs = fs, .blocks = blocks };
	struct ext4_inode inode;
	int r = read_inode(fs, ino, &inode);

	if (r < 0)
		return r;
	/* Short links, devices and pipes have something else there. */
	if (!S_ISREG(le16_get(inode.mode)) && !S_ISDIR(le16_get(inode.mode)))
		return 0;
	return walk_inode(&w, &inode);
}

/* 65536 does not fit: 65535 or 0 stand for it. */
static uint32_t entry_bytes(const struct ext4 *fs, const struct ext4_dirent *e)
{
	uint32_t bytes = le16_get(e->bytes);

	return fs->block_bytes == 65536 && (bytes == 0 || bytes == 65535) ? 65536 : bytes;
}

/*
 * Whether a block of a directory, in w->buffer, is read by a lookup: one that holds a wanted
 * name, and the nodes of the index, which look like one unused entry. All names are asked
 * for, whatever the answer.
 */
static int scan_block(struct walk *w, bool *ret)
{
	bool has_types = w->fs->incompat & EXT4_INCOMPAT_FILETYPE;
	uint32_t bytes = w->fs->block_bytes, at = 0;

	*ret = false;
	while (at < bytes) {
		struct ext4_dirent e;
		struct ext4_name name;
		uint32_t n;

		if (bytes - at < sizeof(e))
			return -EBADMSG;
		memcpy(&e, w->buffer + at, sizeof(e));
		n = entry_bytes(w->fs, &e);
		if (n < sizeof(e) || n % 4 || n > bytes - at ||
		    e.name_bytes > n - sizeof(e))
			return -EBADMSG;
		name = (struct ext4_name){
			.ino = le32_get(e.ino),
			.is_link = has_types && e.type == EXT4_TYPE_LINK,
			.is_dir = has_types && e.type == EXT4_TYPE_DIR,
			.name = (const char *)w->buffer + at + sizeof(e),
			.bytes = e.name_bytes,
		};
		if (name.ino == 0)
			*ret |= n == bytes;
		else if (w->wants(&name, w->userdata))
			*ret = true;
		at += n;
	}
	return 0;
}

static int scan_directory(struct walk *w, uint64_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool needed;
		int r = read_at(w->fs, (first + i) * w->fs->block_bytes, w->buffer,
				w->fs->block_bytes);

		if (r == 0)
			r = scan_block(w, &needed);
		/* The root of the index is the first block. */
		if (r == 0 && (needed || w->all || w->n_seen == 0))
			r = add_blocks(w->fs, w->blocks, first + i, 1);
		if (r < 0)
			return r;
		w->n_seen++;
	}
	return 0;
}

int ext4_add_directory(struct ext4 *fs, uint32_t ino,
		       bool (*wants)(const struct ext4_name *name, void *userdata),
		       void *userdata, struct ext4_blocks *blocks)
{
	_cleanup_free_ uint8_t *buffer = malloc(fs->block_bytes);
	struct walk w = { .fs = fs,
			  .blocks = blocks,
			  .each = scan_directory,
			  .wants = wants,
			  .userdata = userdata,
			  .buffer = buffer };
	struct ext4_inode inode;
	uint64_t bytes;
	int r = read_inode(fs, ino, &inode);

	if (r < 0)
		return r;
	if (!buffer)
		return -ENOMEM;
	if (!S_ISDIR(le16_get(inode.mode)))
		return -ENOTDIR;
	bytes = (uint64_t)le32_get(inode.size_high) << 32 | le32_get(inode.size_low);
	if (bytes > LIMIT_EXT4_DIR_BYTES)
		return -E2BIG;
	w.all = bytes <= WHOLE_DIRECTORY_BYTES ||
		!(le32_get(inode.flags) & EXT4_FLAG_INDEX);
	w.data_blocks_left = DIV_ROUND_UP(bytes, fs->block_bytes);
	return walk_inode(&w, &inode);
}
