/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "macro.h"
#include "saver.h"

static int write_text(const struct saver *s, char *text, size_t bytes)
{
	bool written;
	int r = store_put(s->store, STORE_LAUNCHES, NULL, text, bytes, &written);

	free(text);
	return r;
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
		char *text;
		size_t bytes;
		int r;

		while (!s->text)
			pthread_cond_wait(&s->changed, &s->lock);
		text = TAKE_PTR(s->text);
		bytes = s->bytes;
		s->is_writing = true;
		pthread_mutex_unlock(&s->lock);
		r = write_text(s, text, bytes);
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

int saver_put(struct saver *s, const struct launch_counts *counts)
{
	char *text;
	size_t bytes;
	int r = launch_counts_format(counts, &text, &bytes);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	if (s->is_running) {
		free(s->text);
		s->text = text;
		s->bytes = bytes;
		pthread_cond_broadcast(&s->changed);
	} else {
		tell(s, write_text(s, text, bytes));
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
	while (s->text || s->is_writing)
		pthread_cond_wait(&s->changed, &s->lock);
	r = s->error;
	pthread_mutex_unlock(&s->lock);
	return r;
}
