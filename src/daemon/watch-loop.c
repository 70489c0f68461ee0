/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watcher. Nothing waits for it: when it is stopped or gone, execs go on, are not counted,
 * and read for themselves. It wakes up when a profiled program is executed, when the compile index is
 * replaced, when something is mounted, a minute after something was counted, and for nothing
 * else.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "bounds.h"
#include "clock.h"
#include "config.h"
#include "launch-counts.h"
#include "launch-reader.h"
#include "launch-timer.h"
#include "log.h"
#include "marks.h"
#include "sandbox.h"
#include "saver.h"
#include "watch-loop.h"
#include "watch-state.h"
#include "watched.h"

/* Others hold it for one count, or are a watcher that is just being stopped. */
#define LOCK_TIMEOUT_MS 3000
/* What kill -9 or a crash can lose. */
#define WRITE_AFTER_S	60
/* Far less than a queue at 100,000 execs a second, and no launch of any length. */
#define REST_MS		5
/* Mounts come in swarms. */
#define MOUNTS_AFTER_S	1

/* A full queue, of 16384 events, is less than that. */
#define READS_AT_END	1000

struct watch {
	struct store store;
	struct marks own_marks; /* on the state directory */
	struct marks marks;	/* on programs; replaced with the index */
	struct watched watched;
	struct launch_counts launches;
	struct saver saver;	      /* of the counts */
	struct launch_reader *reader; /* NULL: launches are counted only */
	struct config config;
	struct launch_timer timer; /* of those */
	struct watch_state state;
	struct watch_state before; /* what earlier watchers of this boot told */
	struct dir_id state_dir;
	int lock, epoll, signals, mountinfo;
	int write_timer, mounts_timer; /* armed once, when there is something to do */
	/* What the events read so far ask for. */
	bool must_reload, must_resolve, must_write, must_end;
	bool any_exec, any_new; /* launches; such as are to be read ahead */
	bool on_terminal;	/* which may hang up */
	uint64_t n_overflows_logged;
	uint64_t since_s;		 /* CLOCK_BOOTTIME */
	char boot_id[BOOT_ID_BYTES + 1]; /* "": not there from the boot's start */
	int result;
};

static void start_timer(int fd, time_t seconds)
{
	struct itimerspec t = { .it_value.tv_sec = seconds }, now;

	if (timerfd_gettime(fd, &now) == 0 && now.it_value.tv_sec == 0 &&
	    now.it_value.tv_nsec == 0)
		timerfd_settime(fd, 0, &t, NULL);
}

/* Read it ahead, or leave it alone this once, and see how long it takes. */
static void begin_launch(struct watch *w, const struct watched_program *p)
{
	bool is_read = launch_timer_plan(&w->timer, p->path);
	uint32_t token = launch_reader_launched(w->reader, p->path, is_read);
	struct launch_timing *l = launch_timer_find(&w->timer, p->path);

	w->any_new |= token != 0;
	/* Which of the two ends nobody tells. One that did not end in time waits for somebody. */
	if (l) {
		launch_timer_forget(l);
		if (!token)
			watched_time(&w->watched, p, false);
	}
	if (token && launch_timer_start(&w->timer, p->path, token, is_read))
		watched_time(&w->watched, p, true);
}

/* Somebody opened or closed a program that is timed, but for an exec. */
static void end_launch(struct watch *w, const struct watched_program *p, bool was_closed)
{
	struct launch_timing *l = launch_timer_find(&w->timer, p->path);
	uint32_t ms = 0;

	watched_time(&w->watched, p, false);
	if (!l)
		return;
	if (was_closed && launch_reader_was_cold(w->reader, l->token))
		ms = launch_timer_end(&w->timer, l);
	if (ms > 0)
		launch_reader_note_time(w->reader, l->token, ms);
	if (ms > 0 && l->is_read) {
		w->state.n_timed++;
		w->state.timed_ms += ms;
	}
	launch_timer_forget(l);
}

/* A profiled program was opened for execution; none of its pages has been read yet. */
static void on_exec(struct watch *w, const struct watched_program *p)
{
	int r;

	w->any_exec = true;
	if (w->reader)
		begin_launch(w, p);
	r = launch_counts_count(&w->launches, p->path, (uint64_t)MAX(time(NULL), 0));

	if (r < 0 && r != -EINVAL)
		log_errno(r, "cannot count '%s'", p->path);
	launch_counts_note_first(&w->launches, w->boot_id, clock_boottime_ms(), p->path);
	start_timer(w->write_timer, WRITE_AFTER_S);
}

static void on_lost(struct watch *w)
{
	w->state.n_overflows++;
	w->must_reload = true;
	start_timer(w->write_timer, WRITE_AFTER_S);
}

static void on_state_dir(struct watch *w, unsigned events, const char *name)
{
	if (events & MARK_APPEARED && strcmp(name, store_name(STORE_INDEX)) == 0)
		w->must_reload = true;
	/* Whoever is started now locks another file. */
	if (events & MARK_GONE &&
	    (strcmp(name, store_launches_lock_name()) == 0 || strcmp(name, ".") == 0)) {
		w->result = log_errno(-ENOENT, "the state directory was removed");
		w->must_end = true;
	}
}

static void on_event(unsigned events, const struct dir_id *id, const char *name,
		     void *userdata)
{
	struct watch *w = userdata;
	const struct watched_program *p;

	if (events & MARK_LOST)
		on_lost(w);
	if (!id)
		return;
	if (memcmp(id, &w->state_dir, sizeof(*id)) == 0)
		on_state_dir(w, events, name);
	if (events & (MARK_EXEC | MARK_OPENED | MARK_CLOSED) &&
	    (p = watched_find(&w->watched, id, name))) {
		if (events & MARK_EXEC)
			on_exec(w, p);
		else
			end_launch(w, p, events & MARK_CLOSED);
	}
	if (events & (MARK_APPEARED | MARK_GONE) && watched_changed(&w->watched, id, name))
		w->must_resolve = true;
}

static void report_watched(struct watch *w)
{
	int error = 0;

	w->state.n_programs = w->watched.n_programs;
	w->state.n_unwatched = watched_count_failed(&w->watched, &error);
	if (w->state.n_unwatched > 0)
		log_errno(error, "%zu of %zu programs cannot be watched",
			  (size_t)w->state.n_unwatched, w->watched.n_programs);
	else
		log_debug("watching %zu programs", w->watched.n_programs);
	watch_state_save(&w->store, &w->state);
}

static bool is_indexed(const struct shadow *index, const char *program)
{
	for (uint32_t i = 0; i < index->n_launches; i++)
		if (strcmp(shadow_string(index, index->launches[i].program), program) == 0)
			return true;
	return false;
}

static int add_bringing(struct watch *w, const struct shadow *index, const char *program,
			struct name_list *l)
{
	if (l->n >= LIMIT_EMBEDDED_PROGRAMS || is_indexed(index, program) ||
	    config_lists(&w->config.never, program))
		return 0;
	return name_list_add(l, program);
}

/*
 * Programs without a profile of their own that may bring one inside: those that elfcast.conf names, and
 * those that were launched here, as `elfcast run` counts them. Whether they do is seen when they are launched.
 */
static int find_bringing(struct watch *w, const struct shadow *index, struct name_list *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->config.embedded.n; i++)
		r = add_bringing(w, index, w->config.embedded.names[i], ret);
	for (size_t i = 0; r == 0 && i < w->launches.n; i++)
		r = add_bringing(w, index, w->launches.items[i].program, ret);
	name_list_sort_unique(ret);
	return r;
}

/* Launches of files that are others now are left out, whatever the bundle says. */
static void reload_reader(struct watch *w, struct name_list *bringing)
{
	struct shadow_buffer bundle = { 0 };
	int r = w->config.exec_read_ahead
			? store_load(&w->store, STORE_BUNDLE, NULL, &bundle)
			: -ENOENT;

	if (r < 0 && r != -ENOENT)
		log_errno(r, "cannot use what compile left to be read ahead");
	if (!w->config.exec_read_ahead)
		name_list_done(bringing);
	if (w->reader && launch_reader_set(w->reader, &bundle, bringing) < 0)
		log_errno(-ENOMEM, "cannot keep what is to be read ahead");
}

/* A damaged index changes nothing: the next compile makes a new one. */
static void reload(struct watch *w)
{
	_cleanup_(shadow_buffer_done) struct shadow_buffer index = { 0 };
	_cleanup_(name_list_done) struct name_list bringing = { 0 };
	int r;

	/* The first one of this machine takes the place of the image's. */
	store_choose(&w->store);
	r = store_load(&w->store, STORE_INDEX, NULL, &index);
	if (r == 0 || r == -ENOENT)
		r = find_bringing(w, &index.shadow, &bringing);
	if (r == 0)
		r = watched_set(&w->watched, &index.shadow, &bringing);
	if (r < 0)
		log_errno(r, "cannot use the compile index, going on as before");
	reload_reader(w, &bringing);
	report_watched(w);
}

/* Since boot: what earlier watchers told, and this one. */
static void count_reading(struct watch *w)
{
	struct launch_reader_counts c;

	if (!w->reader)
		return;
	c = launch_reader_counts(w->reader);
	w->state.n_read = w->before.n_read + c.n_read;
	w->state.n_alone = w->before.n_alone + c.n_alone;
	w->state.n_resident = w->before.n_resident + c.n_resident;
	w->state.n_again = w->before.n_again + c.n_again;
	w->state.n_dropped = w->before.n_dropped + c.n_dropped;
	w->state.n_pages = w->before.n_pages + c.n_pages;
}

/* For who looks; nothing depends on it. */
static void write_log(struct watch *w)
{
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	bool written;

	if (w->reader && launch_reader_format_log(w->reader, &text, &bytes) == 0)
		store_put(&w->store, STORE_LAUNCHED, NULL, text, bytes, &written);
}

/* The counts were written, or not: R. */
static void on_saved(struct watch *w, int r)
{
	/* Once, not every minute. */
	if (r < 0 && w->state.last_error != (uint64_t)-r)
		log_errno(r, "cannot write the launch counts");
	w->state.last_error = (uint64_t)-r;
	if (w->state.n_overflows != w->n_overflows_logged)
		log_warning("launches were not counted: too many at once, %" PRIu64
			    " times since boot",
			    w->state.n_overflows);
	w->n_overflows_logged = w->state.n_overflows;
	count_reading(w);
	watch_state_save(&w->store, &w->state);
	write_log(w);
}

static void write_counts(struct watch *w)
{
	bool any_times = w->timer.is_changed;

	if (saver_put(&w->saver, &w->launches, any_times ? &w->timer.times : NULL) < 0) {
		on_saved(w, -ENOMEM);
		return;
	}
	if (any_times)
		launch_timer_judge(&w->timer);
	w->timer.is_changed = false;
}

/* False: "Watch=no" in elfcast.conf. Whatever is wrong with that file, compile reports. */
static bool load_settings(struct watch *w)
{
	struct config c;

	if (config_load(&w->store, &c, NULL, NULL) < 0) {
		config_done(&c);
		config_init(&c);
	}
	config_done(&w->config);
	w->config = c;
	return c.watch;
}

/* SIGHUP: read all again, lose nothing. From a terminal that is gone it is the end. */
static void on_signal(struct watch *w)
{
	struct signalfd_siginfo s;

	while (read(w->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo != SIGHUP || w->on_terminal || !load_settings(w))
			w->must_end = true;
		else
			w->must_reload = w->must_write = true;
	}
}

static void drain(int fd)
{
	uint64_t expirations;

	while (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EINTR)
		;
}

static void on_mounts(struct watch *w)
{
	if (w->reader)
		launch_reader_mounts_changed(w->reader);
	start_timer(w->mounts_timer, MOUNTS_AFTER_S);
}

/* Whatever was compiled before them counts for them, however late we get to run. */
static int read_launches(struct watch *w, int group)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < w->own_marks.n_groups; i++)
		r = marks_read(w->own_marks.groups[i], on_event, w);
	if (w->must_reload)
		reload(w);
	w->must_reload = false;
	return r < 0 ? r : marks_read(group, on_event, w);
}

static void on_ready(struct watch *w, int fd)
{
	int r = 0;

	if (marks_is_group(&w->marks, fd))
		r = read_launches(w, fd);
	else if (marks_is_group(&w->own_marks, fd))
		r = marks_read(fd, on_event, w);
	else if (fd == w->signals)
		on_signal(w);
	else if (fd == w->mountinfo)
		on_mounts(w);
	else
		drain(fd);
	if (fd == w->saver.done)
		on_saved(w, saver_result(&w->saver));
	w->must_write |= fd == w->write_timer;
	w->must_resolve |= fd == w->mounts_timer;
	if (r < 0) {
		w->result = log_errno(r, "cannot read what was executed");
		w->must_end = true;
	}
}

static void do_what_is_due(struct watch *w)
{
	if (w->must_reload)
		reload(w);
	else if (w->must_resolve) {
		int r = watched_resolve(&w->watched, false);

		if (r < 0)
			log_errno(r, "cannot look for the programs");
		report_watched(w);
	}
	if (w->must_write)
		write_counts(w);
	w->must_reload = w->must_resolve = w->must_write = false;
}

/* What was executed before the end was asked for; but not for ever. */
static void read_the_rest(struct watch *w)
{
	for (unsigned i = 0; i < w->marks.n_groups; i++)
		for (unsigned n = 0; n < READS_AT_END; n++)
			if (marks_read(w->marks.groups[i], on_event, w) <= 0)
				break;
}

/* What was not seen may have been launched: then this boot is no evidence against anyone. */
static void note_boot(struct watch *w)
{
	bool saw_all = w->state.n_overflows == 0 && w->state.n_unwatched == 0;
	int r = saw_all && w->since_s <= LAUNCHES_LATEST_S
			? boots_note_used(&w->store, &w->launches)
			: 0;

	if (r < 0 && r != -ENOENT)
		log_errno(r, "cannot note how much of what was read ahead was used");
	r = launch_counts_note_this_boot(&w->store, &w->launches,
					 saw_all ? w->since_s : UINT64_MAX);
	if (r < 0)
		log_errno(r, "cannot note what was read ahead in vain");
}

/*
 * Waking up costs more than counting. Where programs that are known are executed one after the
 * other, as builds and scripts do, one wake-up is for all of a moment.
 */
static void rest(struct watch *w)
{
	if (w->any_exec && !w->any_new)
		clock_sleep_ms(REST_MS);
	w->any_exec = w->any_new = false;
}

static int loop(struct watch *w)
{
	struct epoll_event ready[8];

	while (!w->must_end) {
		int n = epoll_wait(w->epoll, ready, ARRAY_SIZE(ready), -1);

		if (n < 0 && errno != EINTR)
			return log_errno(-errno, "cannot wait");
		for (int i = 0; i < n; i++)
			on_ready(w, ready[i].data.fd);
		do_what_is_due(w);
		rest(w);
	}
	if (w->result < 0)
		return w->result;
	read_the_rest(w);
	note_boot(w);
	write_counts(w);
	on_saved(w, saver_finish(&w->saver));
	return 0;
}

static int wait_for(struct watch *w, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return fd < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static bool has_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

static int open_descriptors(struct watch *w)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->on_terminal = has_terminal();
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w->write_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	w->mounts_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	w->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	r = wait_for(w, w->signals, EPOLLIN);
	if (r == 0)
		r = wait_for(w, w->write_timer, EPOLLIN);
	if (r == 0)
		r = wait_for(w, w->mounts_timer, EPOLLIN);
	return r == 0 ? wait_for(w, w->mountinfo, EPOLLPRI) : r;
}

/* While there is a watcher there is no other, and nobody else counts. */
static int take_lock(struct watch *w)
{
	w->lock = store_lock_launches(&w->store, LOCK_TIMEOUT_MS);
	if (w->lock == -EBUSY)
		return log_errno(w->lock, "there is another watcher");
	if (w->lock < 0)
		return log_errno(w->lock, "cannot lock the launch counts");
	return 0;
}

static int load_counts(struct watch *w)
{
	int r = launch_counts_load(&w->store, &w->launches);

	if (launch_counts_are_lost(r))
		log_errno(r, "the launch counts cannot be used, counting anew");
	else if (r < 0 && r != -ENOENT)
		return log_errno(r, "cannot read the launch counts");
	/* What was lost since boot stays known over a restart. */
	launch_timer_load(&w->timer, &w->store);
	watch_state_load(&w->store, &w->state);
	w->before = w->state;
	watch_state_set_self(&w->state);
	w->n_overflows_logged = w->state.n_overflows;
	return 0;
}

/* The state directory's mark comes before the index is read: no replacement is missed. */
static int open_marks(struct watch *w)
{
	_cleanup_close_ int state = store_open_state(&w->store), run = -1;
	int r = state;

	run = store_open_run(&w->store);
	sandbox_confine((const int[]){ state, run }, run < 0 ? 1 : 2);
	if (r >= 0)
		r = marks_open(&w->own_marks, w->epoll);
	if (r >= 0)
		r = marks_open(&w->marks, w->epoll);
	if (r == -EPERM)
		return log_errno(r, "watching without capabilities takes Linux 5.13");
	if (r < 0)
		return log_errno(r, "cannot watch");
	if (marks_identify(state, &w->state_dir) < 0 ||
	    marks_add_directory(&w->own_marks, state) < 0)
		log_warning("a new compile index will not be noticed: this file system "
			    "tells no events");
	return 0;
}

/* A watcher that was there early in this boot may have been this one, before it was restarted. */
static void find_boot(struct watch *w)
{
	char id[BOOT_ID_BYTES + 1];

	w->since_s = clock_seconds(CLOCK_BOOTTIME);
	if (boots_read_id(id) == 0 &&
	    (w->since_s <= LAUNCHES_LATEST_S || strcmp(id, w->launches.watched_id) == 0))
		strcpy(w->boot_id, id);
}

static int start(struct watch *w)
{
	int r = take_lock(w);

	if (r == 0)
		r = load_counts(w);
	if (r == 0 && (r = open_descriptors(w)) < 0)
		log_errno(r, "cannot start");
	if (r == 0)
		r = open_marks(w);
	if (r < 0)
		return r;
	r = saver_start(&w->saver, &w->store);
	if (r == 0)
		r = wait_for(w, w->saver.done, EPOLLIN);
	if (r < 0)
		return log_errno(r, "cannot start");
	find_boot(w);
	r = launch_reader_new(&w->store, &w->reader);
	if (r < 0)
		log_errno(r, "cannot read ahead, counting only");
	reload(w);
	return 0;
}

static void done(struct watch *w)
{
	watched_done(&w->watched);
	launch_timer_done(&w->timer);
	launch_counts_done(&w->launches);
	config_done(&w->config);
	marks_close(&w->marks);
	marks_close(&w->own_marks);
	closep(&w->write_timer);
	closep(&w->mounts_timer);
	closep(&w->mountinfo);
	closep(&w->signals);
	closep(&w->epoll);
	closep(&w->lock);
	/* Readers may be on their way: their store ends with the process. */
	if (!w->reader)
		store_done(&w->store);
}

/*
 * Each index is read whole, and freed. glibc takes that for a reason to keep memory of that
 * size from then on (its threshold for mappings follows what is freed): an index of 23 MB left
 * 26 MB, for good, after the second one. A threshold that is set does not move. Nor does each
 * thread get a heap of its own.
 */
static void return_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_ARENA_MAX, 1);
#endif
}

int watch_run(const char *root)
{
	/* Readers keep a pointer to its store. */
	static struct watch w = { .lock = -1,
				  .saver.done = -1,
				  .epoll = -1,
				  .signals = -1,
				  .mountinfo = -1,
				  .write_timer = -1,
				  .mounts_timer = -1 };
	int r = store_open(root, false, &w.store);

	if (r < 0)
		return log_errno(r, "cannot open root '%s'", root ? root : "/");
	return_memory();
	w.watched.store = &w.store;
	w.watched.marks = &w.marks;
	if (load_settings(&w)) {
		r = start(&w);
		if (r == 0)
			r = loop(&w);
	} else
		log_info("switched off: Watch=no");
	done(&w);
	return r;
}
