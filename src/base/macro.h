/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ELFCAST_MACRO_H
#define ELFCAST_MACRO_H

#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	   ((a) < (b) ? (a) : (b))
#define MAX(a, b)	   ((a) > (b) ? (a) : (b))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define _cleanup_(fn)	   __attribute__((cleanup(fn)))
#define _printf_(a, b)	   __attribute__((format(printf, a, b)))
#define _unused_	   __attribute__((unused))
#define _fallthrough_	   __attribute__((fallthrough))

/* Give an owned pointer or descriptor away: the variable's cleanup then finds nothing. */
#define TAKE_PTR(p)                                                                        \
	({                                                                                 \
		__typeof__(p) _taken = (p);                                                \
		(p) = NULL;                                                                \
		_taken;                                                                    \
	})
#define TAKE_FD(fd)                                                                        \
	({                                                                                 \
		int _taken = (fd);                                                         \
		(fd) = -1;                                                                 \
		_taken;                                                                    \
	})

/* Defines FNp(TYPE *) for _cleanup_; FN must take NULL. */
#define DEFINE_CLEANUP(type, fn)                                                           \
	_unused_ static inline void fn##p(type *p)                                         \
	{                                                                                  \
		if (*p)                                                                    \
			fn(*p);                                                            \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_	_cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

#endif
