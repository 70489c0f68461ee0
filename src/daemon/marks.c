/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "macro.h"
#include "marks.h"

/* Linux 6.5: an identifier is enough, it need not be possible to open the file by it. */
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif

#define DIRECTORY_EVENTS                                                                   \
	(FAN_CREATE | FAN_MOVED_TO | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVE_SELF |         \
	 FAN_ONDIR)

#define TIMING_EVENTS ((uint64_t)(FAN_OPEN | FAN_CLOSE_NOWRITE))

/* Some 200 events; one place for all, since there is one thread. */
static char buffer[16384];

static int open_group(struct marks *m)
{
	struct epoll_event e = { .events = EPOLLIN };

	if (m->n_groups >= MARKS_GROUPS)
		return -EXDEV;
	e.data.fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC |
					  FAN_NONBLOCK,
				  O_RDONLY | O_LARGEFILE);
	if (e.data.fd < 0)
		return -errno;
	m->groups[m->n_groups++] = e.data.fd;
	return epoll_ctl(m->epoll, EPOLL_CTL_ADD, e.data.fd, &e) < 0 ? -errno : 0;
}

int marks_open(struct marks *m, int epoll)
{
	*m = (struct marks){ .epoll = epoll };
	return open_group(m);
}

void marks_close(struct marks *m)
{
	while (m->n_groups > 0)
		close(m->groups[--m->n_groups]);
}

void marks_flush(struct marks *m)
{
	for (unsigned i = 0; i < m->n_groups; i++)
		fanotify_mark(m->groups[i], FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
}

bool marks_is_group(const struct marks *m, int fd)
{
	for (unsigned i = 0; i < m->n_groups; i++)
		if (m->groups[i] == fd)
			return true;
	return false;
}

int marks_identify(int dirfd, struct dir_id *ret)
{
	struct {
		struct file_handle h;
		uint8_t bytes[MARKS_HANDLE_BYTES];
	} handle = { .h.handle_bytes = MARKS_HANDLE_BYTES };
	struct statfs fs;
	int mount_id, r;

	r = name_to_handle_at(dirfd, "", &handle.h, &mount_id,
			      AT_EMPTY_PATH | AT_HANDLE_FID);
	if (r < 0 && errno == EINVAL)
		r = name_to_handle_at(dirfd, "", &handle.h, &mount_id, AT_EMPTY_PATH);
	if (r < 0 || fstatfs(dirfd, &fs) < 0)
		return -errno;
	*ret = (struct dir_id){ .type = handle.h.handle_type,
				.bytes = handle.h.handle_bytes };
	memcpy(&ret->fsid, &fs.f_fsid, sizeof(ret->fsid));
	memcpy(ret->handle, handle.bytes, handle.h.handle_bytes);
	return 0;
}

/* In the first group that takes it. */
static int add(struct marks *m, uint64_t mask, int dirfd, const char *name)
{
	for (unsigned i = 0;; i++) {
		int r = i < m->n_groups ? 0 : open_group(m);

		if (r < 0)
			return r;
		if (fanotify_mark(m->groups[i],
				  FAN_MARK_ADD | (name ? FAN_MARK_DONT_FOLLOW : 0), mask,
				  dirfd, name) == 0)
			return 0;
		if (errno != EXDEV)
			return -errno;
	}
}

int marks_add_directory(struct marks *m, int dirfd)
{
	return add(m, DIRECTORY_EVENTS, dirfd, NULL);
}

int marks_add_file(struct marks *m, int dirfd, const char *name)
{
	return add(m, FAN_OPEN_EXEC, dirfd, name);
}

void marks_time_file(struct marks *m, int dirfd, const char *name, bool on)
{
	unsigned flags = (on ? FAN_MARK_ADD : FAN_MARK_REMOVE) | FAN_MARK_DONT_FOLLOW;

	for (unsigned i = 0; i < m->n_groups; i++)
		if (fanotify_mark(m->groups[i], flags, TIMING_EVENTS, dirfd, name) == 0)
			break;
}

static unsigned events_of(const struct fanotify_event_metadata *e)
{
	uint64_t mask = e->mask;

	if (mask & TIMING_EVENTS && e->pid == getpid())
		mask &= ~TIMING_EVENTS;
	return (mask & FAN_OPEN_EXEC ? MARK_EXEC : 0u) |
	       (mask & FAN_OPEN ? MARK_OPENED : 0u) |
	       (mask & FAN_CLOSE_NOWRITE ? MARK_CLOSED : 0u) |
	       (mask & (FAN_CREATE | FAN_MOVED_TO) ? MARK_APPEARED : 0u) |
	       (mask & (FAN_DELETE | FAN_MOVED_FROM | FAN_MOVE_SELF) ? MARK_GONE : 0u) |
	       (mask & FAN_Q_OVERFLOW ? MARK_LOST : 0u);
}

/*
 * The record of directory and name behind an event; the kernel's, but checked. Nothing in it
 * is aligned to more than 4 bytes, so it is copied.
 */
static const char *take_name(const char *p, size_t bytes, struct dir_id *ret)
{
	struct fanotify_event_info_fid info;
	struct file_handle h;
	const char *handle = p + sizeof(info) + sizeof(h), *end;

	if (bytes < sizeof(info) + sizeof(h))
		return NULL;
	memcpy(&info, p, sizeof(info));
	memcpy(&h, p + sizeof(info), sizeof(h));
	end = p + info.hdr.len;
	if (info.hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME || info.hdr.len > bytes ||
	    end < handle || h.handle_bytes > MARKS_HANDLE_BYTES ||
	    h.handle_bytes > (size_t)(end - handle) ||
	    !memchr(handle + h.handle_bytes, 0, (size_t)(end - handle) - h.handle_bytes))
		return NULL;
	*ret = (struct dir_id){ .type = h.handle_type, .bytes = h.handle_bytes };
	memcpy(&ret->fsid, &info.fsid, sizeof(ret->fsid));
	memcpy(ret->handle, handle, h.handle_bytes);
	return handle + h.handle_bytes;
}

static void handle_event(const struct fanotify_event_metadata *e, const char *info,
			 mark_handler handler, void *userdata)
{
	unsigned events = events_of(e);
	struct dir_id id;
	const char *name = take_name(info, e->event_len - sizeof(*e), &id);

	if (e->fd >= 0)
		close(e->fd);
	if (name)
		handler(events, &id, name, userdata);
	else if (events & MARK_LOST)
		handler(MARK_LOST, NULL, NULL, userdata);
}

int marks_read(int group, mark_handler handler, void *userdata)
{
	ssize_t n = read(group, buffer, sizeof(buffer));
	struct fanotify_event_metadata e;
	const char *p, *end = buffer + n;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (p = buffer; (size_t)(end - p) >= sizeof(e); p += e.event_len) {
		memcpy(&e, p, sizeof(e));
		if (e.vers != FANOTIFY_METADATA_VERSION || e.event_len < sizeof(e) ||
		    e.event_len > (size_t)(end - p))
			return -EPROTO;
		handle_event(&e, p + sizeof(e), handler, userdata);
	}
	return 1;
}
