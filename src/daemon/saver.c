/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "macro.h"
#include "saver.h"

static int write_text(const struct saver *s, enum store_file file, struct saver_text *t)
{
	bool written;
	int r = t->text ? store_put(s->store, file, NULL, t->text, t->bytes, &written) : 0;

	free(t->text);
	return r;
}

static int write_texts(const struct saver *s, struct saver_text launches,
		       struct saver_text times)
{
	int r = write_text(s, STORE_LAUNCHES, &launches);
	int error = write_text(s, STORE_LAUNCH_TIMES, &times);

	return r < 0 ? r : error;
}

/* The one that waits makes room. */
static void replace(struct saver_text *old, struct saver_text *new)
{
	if (!new->text)
		return;
	free(old->text);
	*old = *new;
}

/* Under the lock. */
static void tell(struct saver *s, int error)
{
	s->error = error;
	eventfd_write(s->done, 1);
	pthread_cond_broadcast(&s->changed);
}

static void *save_for_ever(void *arg)
{
	struct saver *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct saver_text launches, times;
		int r;

		while (!s->launches.text)
			pthread_cond_wait(&s->changed, &s->lock);
		launches = s->launches;
		times = s->times;
		s->launches.text = s->times.text = NULL;
		s->is_writing = true;
		pthread_mutex_unlock(&s->lock);
		r = write_texts(s, launches, times);
		pthread_mutex_lock(&s->lock);
		s->is_writing = false;
		tell(s, r);
	}
	return NULL;
}

int saver_start(struct saver *s, const struct store *store)
{
	pthread_t thread;

	*s = (struct saver){ .store = store,
			     .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (s->done < 0)
		return -errno;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->is_running = pthread_create(&thread, NULL, save_for_ever, s) == 0;
	if (s->is_running)
		pthread_detach(thread);
	return 0;
}

int saver_put(struct saver *s, const struct launch_counts *counts,
	      const struct launch_times *times)
{
	struct saver_text new_launches = { 0 }, new_times = { 0 };
	int r = launch_counts_format(counts, &new_launches.text, &new_launches.bytes);

	if (r == 0 && times)
		r = launch_times_format(times, &new_times.text, &new_times.bytes);
	if (r < 0) {
		free(new_launches.text);
		return r;
	}
	pthread_mutex_lock(&s->lock);
	if (s->is_running) {
		replace(&s->launches, &new_launches);
		replace(&s->times, &new_times);
		pthread_cond_broadcast(&s->changed);
	} else {
		tell(s, write_texts(s, new_launches, new_times));
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int saver_result(struct saver *s)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = s->error;
	pthread_mutex_unlock(&s->lock);
	return r;
}

int saver_finish(struct saver *s)
{
	int r;

	pthread_mutex_lock(&s->lock);
	while (s->launches.text || s->is_writing)
		pthread_cond_wait(&s->changed, &s->lock);
	r = s->error;
	pthread_mutex_unlock(&s->lock);
	return r;
}
