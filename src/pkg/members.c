/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf-id.h"
#include "io.h"
#include "members.h"

int members_fail(const struct members *m, int error, const char *format, ...)
{
	va_list ap;

	*m->diag = (struct diag){ 0 };
	va_start(ap, format);
	vsnprintf(m->diag->message, sizeof(m->diag->message), format, ap);
	va_end(ap);
	return error;
}

static int fail_errno(const struct members *m)
{
	return members_fail(m, -errno, "%s", strerror(errno));
}

void members_restart(struct members *m)
{
	wanted_reset(m->wanted);
	m->counts = (struct member_counts){ 0 };
	m->bytes_left = LIMIT_PAYLOAD_BYTES;
}

int members_init(struct members *m, struct wanted *w, struct diag *diag)
{
	*m = (struct members){
		.wanted = w,
		.diag = diag,
		.hash = hash_stream_new(),
		.head_fd = memfd_create("elfcast-member", MFD_CLOEXEC),
	};
	diag->message[0] = 0;
	members_restart(m);
	if (!m->hash)
		return -ENOMEM;
	return m->head_fd < 0 ? fail_errno(m) : 0;
}

void members_done(struct members *m)
{
	hash_stream_free(m->hash);
	if (m->head_fd >= 0)
		close(m->head_fd);
}

int members_next(struct members *m, const char *name)
{
	int r;

	if (++m->counts.n_members > LIMIT_PAYLOAD_MEMBERS)
		return members_fail(m, -E2BIG, "more than %u members",
				    LIMIT_PAYLOAD_MEMBERS);
	r = name ? wanted_fold(name, m->path, sizeof(m->path)) : -EINVAL;
	if (r == 0)
		return 1;
	m->counts.n_bad_names += r != -ENOENT; /* the root itself */
	return 0;
}

int members_charge(struct members *m, uint64_t bytes)
{
	if (bytes > m->bytes_left)
		return members_fail(m, -E2BIG, "unpacks to more than %llu bytes",
				    (unsigned long long)LIMIT_PAYLOAD_BYTES);
	m->bytes_left -= bytes;
	return 0;
}

/* ---- data ---- */

int members_begin_data(struct members *m, bool want_digest)
{
	m->pos = 0;
	m->want_digest = want_digest;
	hash_stream_restart(m->hash);
	return ftruncate(m->head_fd, 0) < 0 ? fail_errno(m) : 0;
}

static int keep_head(struct members *m, const void *data, uint64_t bytes)
{
	size_t n = (size_t)MIN(bytes, LIMIT_PAYLOAD_ELF_BYTES - m->pos);
	int r;

	if (lseek(m->head_fd, (off_t)m->pos, SEEK_SET) < 0)
		return fail_errno(m);
	r = io_write_full(m->head_fd, data, n);
	return r < 0 ? members_fail(m, r, "%s", strerror(-r)) : 0;
}

int members_add_data(struct members *m, const void *data, uint64_t bytes)
{
	static const char zeros[65536];
	int r = members_charge(m, bytes);

	if (r == 0 && data && m->pos < LIMIT_PAYLOAD_ELF_BYTES)
		r = keep_head(m, data, bytes);
	if (r < 0)
		return r;
	m->pos += bytes;
	while (m->want_digest && bytes > 0) {
		size_t n = (size_t)MIN(bytes, data ? bytes : sizeof(zeros));

		hash_stream_add(m->hash, data ? data : zeros, n);
		bytes -= n;
	}
	return 0;
}

/*
 * Of a member that is not all in memory, segments of notes are read where they are there
 * whole: what is found is right, and not finding it says nothing.
 */
static int head_buildid(const struct members *m, struct buildid *ret)
{
	int r = wanted_id_error(elf_id_read(m->head_fd, ret));

	if (m->pos <= LIMIT_PAYLOAD_ELF_BYTES)
		return r;
	return r == -ENOENT || r == -EBADMSG ? -E2BIG : r;
}

/* A later member of a path replaces an earlier one, as it does when unpacked. */
int members_give_type(struct wanted_file *f, enum wanted_type type, const char *link)
{
	f->type = type;
	f->size_bytes = 0;
	f->buildid_error = -ENOEXEC;
	f->digest[0] = 0;
	free(TAKE_PTR(f->link));
	free(TAKE_PTR(f->hardlink));
	f->link = link ? strdup(link) : NULL;
	return link && !f->link ? -ENOMEM : 0;
}

int members_give_data(struct members *m, struct wanted_file *f)
{
	/* A hole at its end was not written. */
	if (ftruncate(m->head_fd, (off_t)MIN(m->pos, LIMIT_PAYLOAD_ELF_BYTES)) < 0)
		return fail_errno(m);
	members_give_type(f, WANTED_FILE, NULL);
	f->size_bytes = m->pos;
	f->buildid_error = head_buildid(m, &f->buildid);
	if (m->want_digest)
		hash_stream_digest(m->hash, f->digest);
	if (f->buildid_error == -ENOMEM)
		return -ENOMEM;
	return wanted_tell_file(m->wanted,
				m->pos <= LIMIT_PAYLOAD_ELF_BYTES ? m->head_fd : -1, f);
}
