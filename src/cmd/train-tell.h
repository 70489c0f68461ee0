/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* elfcast train: what is said about recorded launches. */
#ifndef ELFCAST_TRAIN_TELL_H
#define ELFCAST_TRAIN_TELL_H

#include "recording.h"

/* Log why PROGRAM could not be recorded; returns ERROR. */
int train_explain(int error, const char *program);
/* Log which files were used and are not recorded, by reason; nothing where there are none. */
void train_tell_left_out(const struct trace_result *r);
/* The same as an object of JSON: how many files of RUN, by reason. */
void train_print_left_out(const unsigned n_files[N_LEFT_OUT]);

/* What a program that failed wrote last: few lines, without controls. */
void train_tell_last_words(const char *words);

#endif
