/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run of prefetch_run(), shared by its threads:
 *
 *   prefetch-job.c   its life: made, planned, started, waited for, left, freed by the last
 *   prefetch-plan.c  how many threads and open files
 *   prefetch-open.c  objects: each is opened by one thread, and closed after its last use;
 *                    and what opening tells of the disk below an image of whole blocks
 *   prefetch-ask.c   extents: asked for in their order, a few together (plugged.c), waited for
 *   prefetch-join.c  pieces of one file that are asked for as one
 *
 * Who writes which field, and what makes that safe. "Start" is before the first thread runs:
 * what is written then is only read afterwards, and needs no rule.
 *
 *   of the job           written by                        rule
 *   ------------------   -------------------------------   -----------------------------------
 *   n_users, n_working,  who starts the workers, and       the lock; n_working and n_asking
 *   n_asking             each worker of itself             are waited for with CHANGED
 *   n_numbered           each worker, once                 the lock
 *   plan                 start; openers_ask_too once       the lock, which is held until all
 *                        more, by who starts them          are started; workers look after it
 *   n_waiting            who waits for an object           the lock; read without, see
 *                                                          set_phase() in prefetch-open.c
 *   stop                 the deadline, go_on's no, or      only ever set, under the lock, then
 *                        who decides on the order          CHANGED; read without
 *   stopped              those but for the deadline        only ever set; atomic
 *   devices              who first opens a file on one     the lock; read without: call_bytes
 *                                                          is written last, and once
 *   next_open, next_ask, who takes the next one            atomic; each number goes to one
 *   next_wait                                              thread
 *   pages_left           who is about to ask               atomic; taken before asking, never
 *                                                          below 0
 *   pages_asked,         who has asked                     atomic
 *   n_extents_asked
 *   n_open               who opens or closes an object     atomic
 *   n_slow_opens,        the opener                        the lock
 *   slow_opens_us,
 *   all_open
 *   is_decided, seeks    the opener, once                  the lock; askers wait for it with CHANGED
 *   n_asking_begun       askers, before they take extents  the lock
 *   all others           start
 *
 *   of an object         written by                        rule
 *   ------------------   -------------------------------   -----------------------------------
 *   phase                whoever turns NEW into OPENING,   compare and exchange; then that one
 *                        then that thread alone            thread says OPEN, SKIPPED or NEW
 *   fd, size_bytes,      that thread, before it says       read by others only after they have
 *   call_bytes           OPEN                              seen OPEN
 *   fd, once more        who takes the last of n_left      nobody is left to use it; of what is
 *                                                          opened after a stop, job_free()
 *   n_left               who is done with one extent       atomic
 *   skip                 who opens it; then who asks or    atomic; the last one stays, and any
 *                        waits                             of them is true
 *
 *   of an extent         written by                        rule
 *   ------------------   -------------------------------   -----------------------------------
 *   asked                who has asked for it              atomic; read once nobody asks
 *   taken                who takes its piece first         atomic exchange
 */
#ifndef ELFCAST_PREFETCH_PRIVATE_H
#define ELFCAST_PREFETCH_PRIVATE_H

#include <linux/limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "object-open.h"
#include "prefetch-job.h"
#include "prefetch-join.h"
#include "prefetch-plan.h"

/* Whatever takes longer was not in memory. */
#define PREFETCH_DISK_US 200

enum { PREFETCH_DEVICES = 4 };

enum phase { PHASE_NEW, PHASE_OPENING, PHASE_OPEN, PHASE_SKIPPED };

struct object {
	_Atomic uint8_t phase; /* enum phase */
	_Atomic uint8_t skip;  /* enum object_skip */
	int fd;		       /* with PHASE_OPEN */
	uint32_t call_bytes;
	uint64_t size_bytes;	 /* of the file as it is now */
	_Atomic uint32_t n_left; /* uses of fd to come: closed after the last */
};

struct device {
	dev_t dev;
	_Atomic uint32_t call_bytes; /* 0: free slot */
};

struct job {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an object's phase, n_working, n_asking, stop */
	unsigned n_users;	/* the caller and the workers; the last one frees */
	unsigned n_working, n_asking, n_numbered;
	_Atomic unsigned n_waiting; /* for an object that another one opens */
	_Atomic bool stop;
	_Atomic bool stopped; /* not by the deadline */
	struct shadow s;
	struct object_place place; /* owns rootfd, root_path is the one below */
	char root_path[PATH_MAX];
	bool wait, gentle, eager;
	bool (*go_on)(void *userdata, uint64_t pages_asked);
	void (*on_open)(void *userdata, uint32_t index, int fd);
	void *userdata; /* borrowed, like the mounts of the place */
	int sysfd;
	struct prefetch_plan plan;
	uint32_t max_ahead; /* nobody opens ahead of need beyond that many open objects */
	struct device devices[PREFETCH_DEVICES];
	struct object *objects;
	uint32_t *order; /* objects with extents, by their first extent */
	uint32_t n_order;
	bool is_image;	    /* a launch, from one */
	uint32_t *by_inode; /* extents; NULL: this is no image of whole blocks */
	unsigned n_slow_opens, n_asking_begun;
	uint64_t slow_opens_us; /* all of them together */
	bool all_open, is_decided, seeks;
	struct join *joins;	 /* NULL: each extent is read as it is */
	_Atomic bool *taken;	 /* of leaders: asked for with another one of the piece */
	_Atomic uint32_t *asked; /* pages asked for, by extent */
	_Atomic uint32_t next_open, next_ask, next_wait, n_extents_asked;
	_Atomic uint64_t pages_left, pages_asked;
	_Atomic uint32_t n_open; /* objects */
};

/* Ask the caller's go_on, if there is one, whether to go on; without, or yes: nothing. */
void job_ask_go_on(struct job *job);

/*
 * Open the next object that nobody has opened. False: all are, as many are open as may be, or
 * descriptors have ended.
 */
bool job_open_next(struct job *job);
/*
 * Have the object open; false: it is skipped, or it is time to stop. While another thread
 * opens it, there may be others to be opened: better than to sleep.
 */
bool job_need_object(struct job *job, uint32_t index);
/* One use of the object is over. */
void job_release_object(struct job *job, uint32_t index);

/* Of an image of whole blocks. */
bool job_lies_in_blocks(const struct job *job);
/* It is one: -ENOMEM. */
int job_sort_by_inode(struct job *job);
/* Nobody opens ahead of need any more. */
void job_note_all_open(struct job *job);
/* Before an asker takes extents: until it is known in which order. False: it is not needed. */
bool job_begin_asking(struct job *job);
/* The extent that comes as number I; only once job_begin_asking() has returned. */
uint32_t job_extent_at(const struct job *job, uint32_t i);

/* Ask for what is left, in its order, together with the other askers. */
void job_ask_all(struct job *job);
/* When all was asked for: until all has arrived. */
void job_wait_all(struct job *job);

#endif
