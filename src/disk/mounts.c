/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table is a tree: each mount's children are one range of m->order, sorted by mount point,
 * of equal ones the last mounted last. A path is walked from the roots as the kernel walks it.
 * The text comes from the kernel, but mount points are chosen by whoever mounts, so nothing
 * in it is believed: ids may be twice, and parents missing or in a circle.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "blockdev.h"
#include "bounds.h"
#include "fstypes.h"
#include "mounts.h"
#include "search.h"

#define NO_MOUNT SIZE_MAX

/* A part of mounts.order: sorted by point, those on the same one in the table's order. */
struct mount_list {
	size_t first, n;
};

struct mount {
	uint32_t id, parent_id;
	dev_t dev;
	const char *point, *fstype, *source; /* in mounts.text */
	const char *root;   /* directory of the file system, the same; NULL: not known */
	size_t point_bytes; /* 0 for "/" */
	bool local;
	int storage;   /* enum storage_class, or -1: not asked yet */
	size_t parent; /* an index; NO_MOUNT: among the roots */
	struct mount_list children;
};

struct mounts {
	char *text; /* the fields, unescaped in place */
	struct mount *items;
	size_t n;
	size_t *order; /* all of them, list by list: a path is looked up by halving */
	/* Mounts whose parent is not in the table: "/" itself, or all of them in a chroot.
	 */
	struct mount_list roots;
};

/* Cut the next field, ended by a space or the line's end, off *P; NULL: none is left. */
static char *next_field(char **p)
{
	char *field = *p, *space;

	if (!field || !*field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space++ = 0;
	*p = space;
	return field;
}

static bool is_octal(const char *s, int n)
{
	for (int i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '7')
			return false;
	return true;
}

/* The kernel writes space, tab, newline, backslash and '#' as \ooo (fs/proc_namespace.c).
 */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && is_octal(s + 1, 3) && s[1] <= '3') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
					(s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = 0;
}

static bool parse_number(const char *s, char end, uint32_t *ret, const char **ret_end)
{
	uint32_t x = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(x, 10u, &x) ||
		    __builtin_add_overflow(x, (uint32_t)(*s - '0'), &x))
			return false;
	*ret = x;
	if (ret_end)
		*ret_end = s + 1;
	return *s == end;
}

/*
 * "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw": proc(5). Optional
 * fields end at the lone hyphen. The line is cut up in place.
 */
static bool parse_line(char *line, struct mount *ret)
{
	const char *id, *parent, *dev, *minor_text;
	uint32_t major, minor;
	char *root, *point, *field, *fstype, *source;

	id = next_field(&line);
	parent = next_field(&line);
	dev = next_field(&line);
	root = next_field(&line);
	point = next_field(&line);
	if (!point || point[0] != '/' || !parse_number(id, 0, &ret->id, NULL) ||
	    !parse_number(parent, 0, &ret->parent_id, NULL) ||
	    !parse_number(dev, ':', &major, &minor_text) ||
	    !parse_number(minor_text, 0, &minor, NULL))
		return false;
	do
		field = next_field(&line);
	while (field && strcmp(field, "-") != 0);
	fstype = next_field(&line);
	if (!fstype)
		return false;
	/* An empty source leaves two spaces in a row, so it is cut off by hand. */
	source = line ? line : fstype + strlen(fstype);
	source[strcspn(source, " ")] = 0;
	unescape(root);
	unescape(point);
	unescape(fstype);
	unescape(source);
	ret->dev = makedev(major, minor);
	ret->root = root;
	ret->point = point;
	ret->point_bytes = strcmp(point, "/") == 0 ? 0 : strlen(point);
	ret->fstype = fstype;
	ret->source = source;
	ret->local = fstype_find(fstype)->local;
	return true;
}

/* A line that cannot be read may be any mount anywhere: it makes everything remote. */
static void parse_unreadable(struct mount *ret)
{
	*ret = (struct mount){ .id = UINT32_MAX,
			       .parent_id = UINT32_MAX,
			       .point = "/",
			       .fstype = "unreadable",
			       .source = "" };
}

static size_t count_lines(const char *text, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += text[i] == '\n';
	return n + 1; /* the last one may lack its newline */
}

static void parse_lines(struct mounts *m, size_t bytes)
{
	char *line = m->text, *end = m->text + bytes;

	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *next = newline ? newline + 1 : end;
		struct mount *mount = &m->items[m->n];

		if (newline)
			*newline = 0;
		if (*line) {
			if (strlen(line) != (size_t)((newline ? newline : end) - line) ||
			    !parse_line(line, mount))
				parse_unreadable(mount);
			m->n++;
		}
		line = next;
	}
}

struct id_index {
	uint32_t id;
	size_t index;
};

static int compare_ids(const void *a, const void *b)
{
	const struct id_index *x = a, *y = b;

	return x->id != y->id ? (x->id < y->id ? -1 : 1)
			      : (x->index > y->index) - (x->index < y->index);
}

static size_t find_id(const struct id_index *ids, size_t n, uint32_t id)
{
	size_t at = SEARCH_FIRST(i, n, ids[i].id < id);

	return at < n && ids[at].id == id ? ids[at].index : NO_MOUNT;
}

static int find_parents(struct mounts *m)
{
	_cleanup_free_ struct id_index *ids = calloc(m->n ? m->n : 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		ids[i] = (struct id_index){ m->items[i].id, i };
	qsort(ids, m->n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < m->n; i++) {
		size_t parent = find_id(ids, m->n, m->items[i].parent_id);

		m->items[i].parent = parent == i ? NO_MOUNT : parent;
	}
	return 0;
}

static int compare_points(const struct mount *m, const char *point, size_t bytes)
{
	int r = memcmp(m->point, point, MIN(m->point_bytes, bytes));

	return r ? r : (m->point_bytes > bytes) - (m->point_bytes < bytes);
}

static int compare_mounts(const void *a, const void *b, void *items)
{
	const struct mount *x = (const struct mount *)items + *(const size_t *)a,
			   *y = (const struct mount *)items + *(const size_t *)b;
	int r = (x->parent > y->parent) - (x->parent < y->parent);

	if (r == 0)
		r = compare_points(x, y->point, y->point_bytes);
	return r ? r : (x > y) - (x < y);
}

/*
 * Hang each mount below its parent. Every mount is in one list, so whatever ids a hostile
 * table holds, what can be reached from the roots is a tree; cycles are out of reach.
 */
static int link_tree(struct mounts *m)
{
	int r = find_parents(m);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n; i++) {
		m->items[i].storage = -1;
		m->order[i] = i;
	}
	qsort_r(m->order, m->n, sizeof(m->order[0]), compare_mounts, m->items);
	for (size_t i = 0; i < m->n; i++) {
		size_t parent = m->items[m->order[i]].parent;
		struct mount_list *list =
			parent == NO_MOUNT ? &m->roots : &m->items[parent].children;

		if (list->n++ == 0)
			list->first = i;
	}
	return 0;
}

/* Of the mounts in LIST on POINT, the last; NO_MOUNT: there is none. */
static size_t find_point(const struct mounts *m, struct mount_list list, const char *point,
			 size_t bytes)
{
	const size_t *order = m->order + list.first;
	size_t after = SEARCH_FIRST(i, list.n,
				    compare_points(&m->items[order[i]], point, bytes) <= 0);

	if (after == 0 || compare_points(&m->items[order[after - 1]], point, bytes) != 0)
		return NO_MOUNT;
	return order[after - 1];
}

int mounts_parse(const char *text, size_t bytes, struct mounts **ret)
{
	_cleanup_(mounts_freep) struct mounts *m = calloc(1, sizeof(*m));
	size_t n_lines = count_lines(text, bytes);
	int r;

	if (!m)
		return -ENOMEM;
	m->text = malloc(bytes + 1);
	m->items = calloc(n_lines, sizeof(*m->items));
	m->order = calloc(n_lines, sizeof(*m->order));
	if (!m->text || !m->items || !m->order)
		return -ENOMEM;
	memcpy(m->text, text, bytes);
	m->text[bytes] = 0;
	parse_lines(m, bytes);
	r = link_tree(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

/* seq_file gives at most a page or so per read(), whatever the buffer. */
static int read_seq_file(int fd, char **ret, size_t *ret_bytes)
{
	_cleanup_free_ char *buffer = NULL;
	size_t got = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (room - got < PAGE_BYTES) {
			char *bigger = realloc(buffer, room ? room * 2 : 4 * PAGE_BYTES);

			if (!bigger)
				return -ENOMEM;
			room = room ? room * 2 : 4 * PAGE_BYTES;
			buffer = bigger;
		}
		n = read(fd, buffer + got, room - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
		if (got > LIMIT_MOUNTINFO_BYTES)
			return -E2BIG;
	}
	*ret = TAKE_PTR(buffer);
	*ret_bytes = got;
	return 0;
}

static bool has_root(const struct mounts *m)
{
	return find_point(m, m->roots, "", 0) != NO_MOUNT;
}

int mounts_add_root(struct mounts *m, const char *fstype, dev_t dev)
{
	struct mount *items;
	size_t *order;

	if (has_root(m))
		return 0;
	items = realloc(m->items, (m->n + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	m->items = items;
	order = realloc(m->order, (m->n + 1) * sizeof(*order));
	if (!order)
		return -ENOMEM;
	m->order = order;
	items[m->n] = (struct mount){ .dev = dev,
				      .point = "/",
				      .fstype = fstype,
				      .source = "",
				      .local = fstype_find(fstype)->local,
				      .storage = -1,
				      .parent = NO_MOUNT,
				      .children = m->roots };
	order[m->n] = m->n;
	m->roots = (struct mount_list){ m->n++, 1 };
	return 0;
}

/*
 * A directory that somebody called chroot() on need not be a mount, and then no line of the
 * table covers "/": package managers install into such roots. We run from that file system,
 * so asking it hangs nobody who does not hang already.
 */
static int add_own_root(struct mounts *m)
{
	const struct fstype *type;
	struct statfs fs;
	struct stat st;

	if (has_root(m) || statfs("/", &fs) < 0 || stat("/", &st) < 0)
		return 0;
	type = fstype_from_magic((uint32_t)fs.f_type);
	return *type->name ? mounts_add_root(m, type->name, st.st_dev) : 0;
}

static int load(const char *path, struct mounts **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t bytes = 0;
	int r;

	if (fd < 0)
		return -errno;
	r = read_seq_file(fd, &text, &bytes);
	return r < 0 ? r : mounts_parse(text, bytes, ret);
}

int mounts_load(struct mounts **ret)
{
	_cleanup_(mounts_freep) struct mounts *m = NULL;
	int r = load("/proc/self/mountinfo", &m);

	if (r == 0)
		r = add_own_root(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

int mounts_load_of(pid_t pid, struct mounts **ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	return load(path, ret);
}

void mounts_free(struct mounts *m)
{
	if (!m)
		return;
	free(m->text);
	free(m->items);
	free(m->order);
	free(m);
}

/* Of the mounts in LIST, the one that a walk to PATH meets first. */
static size_t first_met(const struct mounts *m, struct mount_list list, const char *path,
			size_t path_bytes)
{
	size_t found = NO_MOUNT;

	for (size_t n = 0; list.n > 0 && n <= path_bytes && found == NO_MOUNT; n++)
		if (path[n] == '/' || path[n] == 0)
			found = find_point(m, list, path, n);
	return found;
}

/* "." and ".." would lead elsewhere than the text says. */
static bool is_canonical(const char *path)
{
	const char *p = path;

	if (p[0] != '/')
		return false;
	if (p[1] == 0)
		return true;
	while (*p == '/') {
		size_t n = strcspn(++p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
	}
	return true;
}

/*
 * The mount that holds PATH, NULL when none does. The path is walked mount by mount, as in
 * the kernel: a child counts only where its parent is really reached, so a mount on /a made
 * after one on /a/b hides that one. *ret_local: all mounts on the way are local; a FUSE
 * directory with a local mount below it still has to be asked for the mount point's name.
 */
static const struct mount *find_mount(const struct mounts *m, const char *path,
				      bool *ret_local)
{
	size_t path_bytes = strlen(path), i;
	struct mount_list list = m->roots;
	const struct mount *found = NULL;

	*ret_local = is_canonical(path);
	while ((i = first_met(m, list, path, path_bytes)) != NO_MOUNT) {
		/* Where "/" is no mount and nobody added it: what holds it is not known. */
		if (!found && m->items[i].point_bytes > 0)
			*ret_local = false;
		found = &m->items[i];
		*ret_local = *ret_local && found->local;
		list = found->children;
	}
	return found;
}

bool mounts_is_local(const struct mounts *m, const char *path)
{
	bool local;

	return find_mount(m, path, &local) && local;
}

const char *mounts_fstype(const struct mounts *m, const char *path)
{
	bool local;
	const struct mount *found = find_mount(m, path, &local);

	return found ? found->fstype : "none";
}

const char *mounts_point(const struct mounts *m, const char *path)
{
	bool local;
	const struct mount *found = find_mount(m, path, &local);

	return found ? found->point : NULL;
}

/* What of PATH lies behind DIR, "" or with its slash; NULL: it does not lie in it. */
static const char *behind(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == 0) ? path + n
									      : NULL;
}

int mounts_translate(const struct mounts *ours, const struct mounts *theirs,
		     const char *path, char *ret, size_t bytes)
{
	bool local;
	const struct mount *from = find_mount(theirs, path, &local);
	char within[2 * PATH_MAX];

	if (!from || !from->root)
		return -ENOENT;
	/* The path within the file system. */
	snprintf(within, sizeof(within), "%s%s",
		 strcmp(from->root, "/") == 0 ? "" : from->root, path + from->point_bytes);
	for (size_t i = 0; i < ours->n; i++) {
		const struct mount *to = &ours->items[i];
		const char *rest =
			to->dev == from->dev && to->root ? behind(within, to->root) : NULL;

		if (!rest || (size_t)snprintf(ret, bytes, "%.*s%s", (int)to->point_bytes,
					      to->point, rest) >= bytes)
			continue;
		/* Something may be mounted over it. */
		if (find_mount(ours, ret, &local) == to)
			return 0;
	}
	return -ENOENT;
}

int mounts_superblock(const struct mounts *m, const char *path, dev_t *ret)
{
	bool local;
	const struct mount *found = find_mount(m, path, &local);

	if (!found)
		return -ENOENT;
	*ret = found->dev;
	return 0;
}

bool mounts_get(const struct mounts *m, size_t i, struct mount_line *ret)
{
	if (i >= m->n)
		return false;
	*ret = (struct mount_line){
		.point = m->items[i].point,
		.fstype = m->items[i].fstype,
		.dev = m->items[i].dev,
		.local = m->items[i].local,
	};
	return true;
}

/* btrfs, zfs and overlay have device numbers of their own, without a device. */
static int mount_device(const struct mount *mount, dev_t *ret)
{
	if (major(mount->dev) == 0)
		return blockdev_from_source(mount->source, ret);
	*ret = mount->dev;
	return 0;
}

int mounts_device(const struct mounts *m, const char *path, dev_t *ret)
{
	bool local;
	const struct mount *found = find_mount(m, path, &local);

	return found && mount_device(found, ret) == 0 ? 0 : -ENOENT;
}

/* A loop device's file may itself lie on a loop device: DEPTH ends that. */
static enum storage_class find_storage(const struct mounts *m, int sysfd, const char *path,
				       int depth)
{
	const struct mount *found;
	char file[PATH_MAX];
	bool local;
	dev_t dev;

	found = find_mount(m, path, &local);
	if (!found || depth == 0)
		return STORAGE_FLASH;
	if (fstype_find(found->fstype)->image)
		return STORAGE_IMAGE;
	if (!local)
		return STORAGE_NETWORK;
	if (mount_device(found, &dev) < 0)
		return STORAGE_FLASH;
	if (blockdev_loop_file(sysfd, dev, file, sizeof(file)) == 0)
		return find_storage(m, sysfd, file, depth - 1);
	return blockdev_storage(sysfd, dev);
}

enum storage_class mounts_storage(struct mounts *m, const char *path)
{
	bool local;
	const struct mount *found = find_mount(m, path, &local);
	struct mount *item = found ? &m->items[found - m->items] : NULL;
	_cleanup_close_ int sysfd = -1;

	if (item && item->storage >= 0)
		return (enum storage_class)item->storage;
	sysfd = blockdev_open_sys();
	if (!item)
		return find_storage(m, sysfd, path, 4);
	/* A mount has one device: sysfs is asked once for all files on it. */
	item->storage = (int)find_storage(m, sysfd, path, 4);
	return (enum storage_class)item->storage;
}
