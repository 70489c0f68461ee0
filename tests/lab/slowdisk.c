/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * slowdisk: serves one backing file as MOUNT/disk with the service times of a modelled disk,
 * and counts in MOUNT/stats (truncating that file resets it; a model written to it is the
 * disk's from then on). Nothing is cached. What is written to the disk stays in memory, takes no
 * time and goes with the process: the models are of reads.
 *
 * The disk lives on a virtual clock: when a request is done is computed from the model, the
 * reply is held back until then. How late a reply went out (a busy machine, a coarse timer)
 * is taken off the arrival of what follows, so lateness never adds up.
 *
 *   receiver (libfuse session loop): stamps arrivals, queues
 *   disk thread: picks the next request, computes, sleeps, replies
 *   keeper (workers.c): a process that gives kernel workers back what they had
 */
#define FUSE_USE_VERSION 34
#include "workers.h"
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	 INT64_C(1000000000)
#define NSEC_PER_USEC	 INT64_C(1000)
#define ATTR_VALID_S	 3600.0

/* A disk of 7200 rpm, as sold since about 2005. */
#define HDD_SEEK_MIN_NS	 1e6  /* next track */
#define HDD_SEEK_MAX_NS	 15e6 /* full stroke: the backing file stands for the whole disk */
#define HDD_HALF_TURN_NS 4.17e6 /* 60 s / 7200 / 2 */
#define HDD_NS_PER_BYTE	 (1e9 / 120e6)

/* More than that is not a late timer but a stopped machine: the past is then the past. */
#define LATE_MAX_NS	 (20 * NSEC_PER_USEC * 1000)

enum { INO_DISK = 2, INO_STATS = 3 };

enum model_kind { MODEL_RAM, MODEL_HDD, MODEL_SD, MODEL_NET };

struct model {
	enum model_kind kind;
	double op_ns;	    /* 1 / IOPS */
	double ns_per_byte; /* 1 / bandwidth */
	double latency_ns;  /* added to every request, any number at once */
};

struct request {
	fuse_req_t req;
	uint64_t off, bytes;
	int64_t arrival_ns; /* virtual */
	struct request *next;
};

struct stats {
	uint64_t n_requests, bytes, max_bytes;
	int64_t busy_ns;
	int64_t late_max_ns;
};

/* The one disk of this process; libfuse calls back from one thread. */
static struct disk {
	struct model model;
	char *data;
	uint64_t bytes;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t arrived;
	struct request *queue; /* in order of arrival */
	struct stats stats;
	int64_t late_ns; /* of the last reply */

	/* Of the disk thread alone. */
	double free_ns; /* virtual time at which the server is free */
	uint64_t head_off;
} disk = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.arrived = PTHREAD_COND_INITIALIZER,
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/*
 * Moving the arm costs 1 ms and grows with the square root of the way (it accelerates half
 * of the way), then the sector comes by after half a turn on average. Data shortly ahead of
 * the head is faster reached by letting the disk turn.
 */
static double hdd_position_ns(uint64_t off)
{
	double way = off > disk.head_off ? (double)(off - disk.head_off)
					 : (double)(disk.head_off - off);
	double seek = HDD_SEEK_MIN_NS + HDD_HALF_TURN_NS +
		      (HDD_SEEK_MAX_NS - HDD_SEEK_MIN_NS) * sqrt(way / (double)disk.bytes);

	if (off >= disk.head_off && way * HDD_NS_PER_BYTE < seek)
		return way * HDD_NS_PER_BYTE;
	return seek;
}

/* How long the server is busy with R alone. */
static double service_ns(const struct request *r)
{
	const struct model *m = &disk.model;

	switch (m->kind) {
	case MODEL_HDD:
		return hdd_position_ns(r->off) + (double)r->bytes * HDD_NS_PER_BYTE;
	case MODEL_SD:
	case MODEL_NET:
		return fmax(m->op_ns, (double)r->bytes * m->ns_per_byte);
	case MODEL_RAM:
		break;
	}
	return 0;
}

/* Upwards from the head, then from the lowest again (C-LOOK); all others in turn. */
static struct request **next_request(void)
{
	struct request **up = NULL, **low = &disk.queue;

	if (disk.model.kind != MODEL_HDD)
		return &disk.queue;
	for (struct request **p = &disk.queue; *p; p = &(*p)->next) {
		if ((*p)->off < (*low)->off)
			low = p;
		if ((*p)->off >= disk.head_off && (!up || (*p)->off < (*up)->off))
			up = p;
	}
	return up ? up : low;
}

static struct request *take_request(void)
{
	struct request **p, *r;

	pthread_mutex_lock(&disk.lock);
	while (!disk.queue)
		pthread_cond_wait(&disk.arrived, &disk.lock);
	p = next_request();
	r = *p;
	*p = r->next;
	pthread_mutex_unlock(&disk.lock);
	return r;
}

static void account(const struct request *r, double busy_ns, int64_t late_ns)
{
	pthread_mutex_lock(&disk.lock);
	disk.stats.n_requests++;
	disk.stats.bytes += r->bytes;
	disk.stats.busy_ns += (int64_t)busy_ns;
	if (r->bytes > disk.stats.max_bytes)
		disk.stats.max_bytes = r->bytes;
	if (late_ns > disk.stats.late_max_ns)
		disk.stats.late_max_ns = late_ns;
	disk.late_ns = late_ns < 0 ? 0 : late_ns > LATE_MAX_NS ? LATE_MAX_NS : late_ns;
	pthread_mutex_unlock(&disk.lock);
}

static void serve(struct request *r)
{
	double busy = service_ns(r);
	int64_t done;

	disk.free_ns = fmax((double)r->arrival_ns, disk.free_ns) + busy;
	disk.head_off = r->off + r->bytes;
	done = (int64_t)(disk.free_ns + disk.model.latency_ns);
	if (disk.model.kind != MODEL_RAM)
		sleep_until(done);
	/* Before the reply: what it sets off may arrive at once. */
	account(r, busy, now_ns() - done);
	fuse_reply_buf(r->req, disk.data + r->off, r->bytes);
	free(r);
}

static void *disk_thread(void *unused)
{
	(void)unused;
	for (;;)
		serve(take_request());
	return NULL;
}

static void enqueue(fuse_req_t req, uint64_t off, size_t bytes)
{
	struct request *r, **p;

	if (off >= disk.bytes) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r->req = req;
	r->off = off;
	r->bytes = bytes < disk.bytes - off ? bytes : disk.bytes - off;
	r->arrival_ns = now_ns();
	pthread_mutex_lock(&disk.lock);
	if (disk.model.kind != MODEL_RAM)
		r->arrival_ns -= disk.late_ns;
	for (p = &disk.queue; *p; p = &(*p)->next)
		;
	*p = r;
	pthread_cond_signal(&disk.arrived);
	pthread_mutex_unlock(&disk.lock);
}

static void reset_stats(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.stats = (struct stats){ 0 };
	pthread_mutex_unlock(&disk.lock);
}

static void reply_stats(fuse_req_t req, off_t off, size_t bytes)
{
	char text[256];
	struct stats s;
	size_t n;

	pthread_mutex_lock(&disk.lock);
	s = disk.stats;
	pthread_mutex_unlock(&disk.lock);
	n = (size_t)snprintf(text, sizeof(text),
			     "requests %" PRIu64 "\nbytes %" PRIu64 "\nbusy_us %" PRId64
			     "\nmax_bytes %" PRIu64 "\nlate_max_us %" PRId64 "\n",
			     s.n_requests, s.bytes, s.busy_ns / NSEC_PER_USEC, s.max_bytes,
			     s.late_max_ns / NSEC_PER_USEC);
	if (off < 0 || (size_t)off >= n)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, text + off,
			       n - (size_t)off < bytes ? n - (size_t)off : bytes);
}

static bool fill_stat(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_nlink = 1, .st_blksize = 4096 };
	switch (ino) {
	case FUSE_ROOT_ID:
		st->st_mode = S_IFDIR | 0755;
		return true;
	case INO_DISK:
		st->st_mode = S_IFREG | 0600;
		st->st_size = (off_t)disk.bytes;
		return true;
	case INO_STATS:
		st->st_mode = S_IFREG | 0600;
		return true;
	}
	return false;
}

static void op_init(void *unused, struct fuse_conn_info *conn)
{
	(void)unused;
	/* A queue as deep as the loop device's, or the model would never see it. */
	conn->max_background = 1024;
	conn->congestion_threshold = 1024;
	if (conn->capable & FUSE_CAP_ASYNC_DIO)
		conn->want |= FUSE_CAP_ASYNC_DIO;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .attr_timeout = ATTR_VALID_S,
				      .entry_timeout = ATTR_VALID_S };

	if (parent == FUSE_ROOT_ID && strcmp(name, "disk") == 0)
		e.ino = INO_DISK;
	else if (parent == FUSE_ROOT_ID && strcmp(name, "stats") == 0)
		e.ino = INO_STATS;
	if (e.ino && fill_stat(e.ino, &e.attr))
		fuse_reply_entry(req, &e);
	else
		fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *unused)
{
	struct stat st;

	(void)unused;
	if (fill_stat(ino, &st))
		fuse_reply_attr(req, &st, ATTR_VALID_S);
	else
		fuse_reply_err(req, ENOENT);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *unused, int to_set,
		       struct fuse_file_info *fi)
{
	(void)unused;
	if (ino != INO_STATS) {
		fuse_reply_err(req, EROFS);
		return;
	}
	if (to_set & FUSE_SET_ATTR_SIZE)
		reset_stats();
	op_getattr(req, ino, fi);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino == INO_STATS && (fi->flags & O_TRUNC))
		reset_stats();
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t bytes, off_t off,
		    struct fuse_file_info *unused)
{
	pid_t pid = fuse_req_ctx(req)->pid; /* the request is gone when it is answered */

	(void)unused;
	if (ino == INO_STATS) {
		reply_stats(req, off, bytes);
	} else {
		enqueue(req, (uint64_t)off, bytes);
		workers_promote(pid);
	}
}

/* 0 or -EINVAL. */
static int parse_model(const char *text, struct model *ret)
{
	double latency_us = 0, iops, mbps;
	int end = 0;

	if (strcmp(text, "ram") == 0) {
		*ret = (struct model){ .kind = MODEL_RAM };
		return 0;
	}
	if (strcmp(text, "hdd") == 0) {
		*ret = (struct model){ .kind = MODEL_HDD };
		return 0;
	}
	if (sscanf(text, "sd:%lf:%lf%n", &iops, &mbps, &end) == 2 && !text[end])
		ret->kind = MODEL_SD;
	else if (sscanf(text, "net:%lf:%lf:%lf%n", &latency_us, &iops, &mbps, &end) == 3 &&
		 !text[end])
		ret->kind = MODEL_NET;
	else
		return -EINVAL;
	if (!(iops > 0 && mbps > 0 && latency_us >= 0 && latency_us < 1e7))
		return -EINVAL;
	ret->op_ns = 1e9 / iops;
	ret->ns_per_byte = 1e9 / (mbps * 1e6);
	ret->latency_ns = latency_us * 1e3;
	return 0;
}

/* Between two measurements, when no request is under way. */
static int change_model(const char *text, size_t bytes)
{
	char name[64];
	struct model model;
	int r;

	if (bytes >= sizeof(name))
		return EINVAL;
	memcpy(name, text, bytes);
	name[bytes] = 0;
	name[strcspn(name, "\n")] = 0;
	r = parse_model(name, &model);
	if (r < 0)
		return -r;
	pthread_mutex_lock(&disk.lock);
	disk.model = model;
	pthread_mutex_unlock(&disk.lock);
	return 0;
}

static void reply_written(fuse_req_t req, int error, size_t bytes)
{
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, bytes);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t bytes,
		     off_t off, struct fuse_file_info *unused)
{
	int error = 0;

	(void)unused;
	if (ino == INO_STATS)
		error = change_model(data, bytes);
	else if (off < 0 || (uint64_t)off > disk.bytes ||
		 bytes > disk.bytes - (uint64_t)off)
		error = ENOSPC;
	else
		memcpy(disk.data + off, data, bytes);
	reply_written(req, error, bytes);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int unused,
		     struct fuse_file_info *unused_fi)
{
	(void)ino, (void)unused, (void)unused_fi;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.fsync = op_fsync,
};

/*
 * The disk below the disk must take no time; copies are only of what is written. What is a hole
 * takes none, and would fill the memory of this machine.
 */
static int populate(int fd, uint8_t *data)
{
	off_t at = 0, end;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		if (end < 0)
			return -errno;
		at -= at % 4096;
		if (madvise(data + at, (size_t)(end - at), MADV_POPULATE_READ) < 0)
			return -errno;
		at = end;
	}
	return errno == ENXIO ? 0 : -errno;
}

static int map_backing(const char *path)
{
	struct stat st;
	void *p;
	int r, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		return -EINVAL;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	r = p == MAP_FAILED ? -errno : populate(fd, p);
	close(fd);
	if (r < 0)
		return r;
	disk.data = p;
	disk.bytes = (uint64_t)st.st_size;
	return 0;
}

/*
 * Ends with the shell that started it, not with the terminal's Ctrl-C: the shell still has
 * to unmount what lies on top. SIGTERM just kills: closing /dev/fuse ends the connection.
 * Runs before everything else, or it would measure the others.
 */
static void settle_process(void)
{
	struct sched_param param = { .sched_priority = 10 };

	setsid();
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_TIMERSLACK, 1ul);
	/* Its own pages are not read from a disk again; of what is still to be mapped, those
	 * that were touched: all of a private mapping would be a copy of the disk. */
	mlockall(MCL_CURRENT);
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	sched_setscheduler(0, SCHED_FIFO, &param); /* inherited by threads; may be denied */
}

static int run(const char *mountpoint)
{
	char *argv[] = { (char[]){ "slowdisk" }, (char[]){ "-osubtype=slowdisk" }, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);
	struct fuse_session *se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	pthread_t thread;
	int r = 1;

	if (!se)
		return 1;
	if (fuse_session_mount(se, mountpoint) == 0) {
		if (pthread_create(&thread, NULL, disk_thread, NULL) == 0) {
			puts("ready");
			fflush(stdout);
			r = fuse_session_loop(se) < 0;
		}
		fuse_session_unmount(se);
	}
	/* The disk thread may hold requests: leave without taking the session apart. */
	return r;
}

int main(int argc, char *argv[])
{
	int r;

	if (argc != 4 || parse_model(argv[1], &disk.model) < 0) {
		fputs("Usage: slowdisk MODEL FILE MOUNTPOINT\n"
		      "MODEL: ram | hdd | sd:IOPS:MBPS | net:LATENCY_US:IOPS:MBPS\n",
		      stderr);
		return 2;
	}
	r = workers_begin();
	if (r < 0) {
		fprintf(stderr, "slowdisk: cannot begin: %s\n", strerror(-r));
		return 1;
	}
	settle_process();
	r = map_backing(argv[2]);
	if (r < 0) {
		fprintf(stderr, "slowdisk: cannot serve '%s': %s\n", argv[2], strerror(-r));
		return 1;
	}
	r = run(argv[3]);
	workers_end();
	return r;
}
