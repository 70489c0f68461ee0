/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of elfcast train share: train.c, the command line and what it asks for; train-runs.c, from
 * recorded runs to a profile; train-output.c, what becomes of that.
 */
#ifndef ELFCAST_TRAIN_PRIVATE_H
#define ELFCAST_TRAIN_PRIVATE_H

#include "fingerprint.h"
#include "functions.h"
#include "trace-system.h"
#include "train-auto.h"
#include "train-install.h"
#include "train-user.h"

extern unsigned arg_runs, arg_window_ms;
extern const char *arg_scenario; /* NULL: not given, or not known yet */
extern const char *arg_output;	/* NULL: PROGRAM.json here, unless installed; "-": stdout */
extern const char *arg_program; /* of which the profile is; NULL: not given */
extern bool arg_install, arg_interactive, arg_allow_failed, arg_system, arg_light,
	arg_until_exit;
extern unsigned arg_for_s; /* 0: not given */
extern enum fingerprint_level arg_portable;
extern enum trace_method arg_method; /* of launches */

struct training {
	char *const *argv;
	char *found; /* what is executed */
	char *program; /* what the profile is of, see train_find_program(); NULL: not known yet */
	char *of; /* what a shell starts, and nothing else; NULL: there is no such shell */
	char *scenario; /* that its arguments tell, or NULL */
	struct profile *profile;
	struct trace_result
		known; /* a launch that tells which files there are; with --method=residency */
	bool has_known;
	unsigned n_unseen;   /* processes */
	unsigned n_settled;  /* runs that were ended when new pages had become rare */
	unsigned n_cut;	     /* runs that the window's end ended */
	unsigned n_reading;  /* of these, while there were new pages */
	unsigned longest_ms; /* that a run took */
	unsigned n_left_out[N_LEFT_OUT]; /* files of the first run, by reason */
	struct train_user user;		 /* who runs it, if not who we are */
	bool has_user;
	unsigned n_private;    /* files, in the run that had most */
	size_t n_lookups_left; /* names for which there was no room */
	bool has_status;
	int first_status; /* of the first run that ended by itself */
	struct train_installed installed;
	bool has_replaced;		   /* the file that it was written to */
	struct trace_system_report report; /* with --system */
	enum boot_train why;		   /* with --auto */
};

void training_done(struct training *t);

/* Problems are logged by all that return negative errno. */
int train_run_all(struct training *t);
/* How the launch's program ended. */
void train_describe_end(const struct trace_result *r, char *ret, size_t bytes);
/* On a terminal; 0: none. Behind the last one comes that for functions. */
void train_show_progress(unsigned run);
/* RUN, that of the program that the first one was of, counts. */
int train_take_run(struct training *t, unsigned run, const struct trace_result *result);
/* Without looking at what it is of. */
int train_add_run(struct training *t, const struct trace_result *r);
/* Tell which files were left out: of the first run, the others leave out the same. */
void train_note_left_out(struct training *t, const struct trace_result *r);
/* What is installed, or of all users, anybody may read. */
bool train_is_public(void);
/* What other builds of the profile's files need. FUNCTIONS: NULL, or those that may have run. */
int train_sign(struct training *t, struct functions *functions);
/* The same of launches: one more tells which functions run. -EINTR. */
int train_sign_launch(struct training *t);

/* Install it, write it where it was asked for: *ret_path, new, NULL: nowhere else. */
int train_write_profile(struct training *t, char **ret_path);
void train_print_summary(const struct training *t, const char *path);

#endif
