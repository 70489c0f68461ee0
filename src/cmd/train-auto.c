/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "clock.h"
#include "log.h"
#include "train-auto.h"
#include "train-name.h"

/* ioprio_set(2): of this process, the idle class. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE	   (3 << 13)

#define METHOD		   "faults"
#define LOCK_TIMEOUT_MS	   30000

static void on_config_problem(const char *path, const struct diag *d,
			      _unused_ void *userdata)
{
	log_diag(path, d);
}

enum boot_train train_auto_why(const struct store *s)
{
	_cleanup_(config_done) struct config c = { 0 };
	enum boot_train why = boot_train_marked(s);

	if (boot_train_is_due(why) && config_load(s, &c, on_config_problem, NULL) == 0 &&
	    !(c.boot_train && config_allows_boot(&c)))
		why = BOOT_TRAIN_OFF;
	log_info(boot_train_is_due(why) ? "recording this boot: %s"
					: "this boot is not recorded: %s",
		 boot_train_text(why));
	return why;
}

void train_auto_step_back(void)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_IDLE, &none);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

uint64_t train_auto_count(const struct profile *p)
{
	uint64_t n_pages = 0;

	for (size_t i = 0; i < p->n_objects; i++)
		n_pages += pageset_count(&p->objects[i].pages);
	return n_pages;
}

/* ---- what is installed ---- */

static bool can_add(const struct profile *old, const struct profile *new)
{
	return strcmp(old->method, METHOD) == 0 && strcmp(old->kernel, new->kernel) == 0;
}

int train_auto_add(const struct store *s, const char *name, enum boot_train why,
		   struct profile **p, uint64_t *ret_n_new)
{
	_cleanup_(profile_freep) struct profile *old = NULL, *both = NULL;
	struct diag d = { 0 };
	int r;

	*ret_n_new = train_auto_count(*p);
	if (why != BOOT_TRAIN_FEW || train_load_installed(s, name, &old) < 0 ||
	    !can_add(old, *p))
		return 0;
	r = profile_merge(old, *p, &both, &d);
	if (r == -ENOMEM)
		return r;
	if (r < 0) { /* more than a profile can hold: the newer one */
		log_warning("%s: not added to: %s", name, d.message);
		return 0;
	}
	*ret_n_new = train_auto_count(both) - train_auto_count(old);
	profile_free(*p);
	*p = TAKE_PTR(both);
	return 0;
}

/* ---- notes ---- */

static void copy(char *ret, size_t bytes, const char *text)
{
	snprintf(ret, bytes, "%s", text);
}

static void save(const struct store *s, const struct boot_training *t)
{
	int r = boot_training_save(s, t);

	if (r < 0)
		log_errno(r, "cannot note what was recorded");
}

void train_auto_note(const struct store *s, const char *name, const struct profile *p,
		     uint64_t n_new_pages)
{
	struct boot_training t = {
		.is_exact = strcmp(p->method, METHOD) != 0,
		.n_boots = p->n_runs,
		.time_s = clock_seconds(CLOCK_REALTIME),
		.n_pages = train_auto_count(p),
		.n_new_pages = n_new_pages,
	};

	copy(t.profile, sizeof(t.profile), name);
	copy(t.kernel, sizeof(t.kernel), p->kernel);
	save(s, &t);
}

/* Locked down, or without the tracepoints: the next boot will not let itself be recorded either. */
static bool is_hopeless(int error)
{
	return error == -EACCES || error == -ENODEV || error == -ENOENT;
}

static void note_failure(const struct store *s, bool hopeless)
{
	struct boot_training t;
	_cleanup_close_ int lock = -1;
	_cleanup_(config_done) struct config c = { 0 };
	struct utsname u;

	if (uname(&u) < 0)
		return;
	if (boot_training_load(s, &t) < 0)
		t = (struct boot_training){ 0 };
	if (strcmp(t.failed_kernel, u.release) != 0)
		t.n_failed = 0;
	t.n_failed =
		hopeless ? MAX(t.n_failed + 1, BOOT_TRAIN_MOST_FAILURES) : t.n_failed + 1;
	copy(t.failed_kernel, sizeof(t.failed_kernel), u.release);
	save(s, &t);
	lock = store_lock(s, LOCK_TIMEOUT_MS);
	if (lock >= 0 && config_load(s, &c, NULL, NULL) == 0)
		boot_train_sync(s, &c);
}

bool train_auto_note_failure(const struct store *s, int error)
{
	/* Who records already was asked to: that is no failure. */
	if (error == -EBUSY)
		return false;
	note_failure(s, is_hopeless(error));
	return !is_hopeless(error) && error != -EOVERFLOW && error != -ECANCELED;
}
