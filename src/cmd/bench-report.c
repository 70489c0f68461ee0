/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-report.h"
#include "bench-summary.h"
#include "bounds.h"
#include "json-out.h"
#include "log.h"
#include "terminal.h"
#include "text-out.h"

/* ---- problems ---- */

static void describe_status(int status, char *ret, size_t bytes)
{
	if (WIFSIGNALED(status))
		snprintf(ret, bytes, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(ret, bytes, "exited with status %d", WEXITSTATUS(status));
}

static void describe_differs(const struct bench *b, const char *where, const char *program,
			     char *ret, size_t bytes)
{
	char now[128];

	describe_status(b->status, now, sizeof(now));
	if (b->problem == BENCH_FAILS)
		snprintf(ret, bytes, "'%s' %s (%s)", program, now, where);
	else
		snprintf(ret, bytes, "'%s' %s (%s), the first time with status 0", program,
			 now, where);
}

void bench_report_problem(const struct bench_report *r, char *ret, size_t bytes)
{
	const struct bench *b = r->bench;
	char where[64] = "trial run";

	if (b->problem_round > 0)
		snprintf(where, sizeof(where), "round %u, %s", b->problem_round,
			 bench_way_name(b->problem_way));
	*ret = 0;
	switch (b->problem) {
	case BENCH_OK:
		return;
	case BENCH_INTERRUPTED:
		snprintf(ret, bytes, "stopped after %zu of %u rounds", b->n_rounds,
			 r->n_rounds_wanted);
		return;
	case BENCH_HANGS:
		snprintf(ret, bytes, "'%s' still ran after %u s (%s) and was killed",
			 r->program, b->limits.timeout_ms / 1000, where);
		return;
	case BENCH_NOT_EXECUTABLE:
		snprintf(ret, bytes, "cannot execute '%s': %s", b->launch.program,
			 error_text(b->error));
		return;
	case BENCH_FAILS:
	case BENCH_DIFFERS:
		describe_differs(b, where, r->program, ret, bytes);
		return;
	case BENCH_VARIES:
		snprintf(ret, bytes,
			 "'%s' does not do the same each time: %llu to %llu page faults "
			 "(%s)",
			 r->program, (unsigned long long)b->faults_min,
			 (unsigned long long)b->faults_max, where);
		return;
	case BENCH_FILE_CHANGED:
		snprintf(ret, bytes, "'%s' changed meanwhile (%s)", b->path, where);
		return;
	case BENCH_CANNOT_EVICT:
		snprintf(ret, bytes, "cannot put '%s' out of the cache: %s", b->path,
			 error_text(b->error));
		return;
	case BENCH_PREFETCH_FAILS:
		snprintf(ret, bytes, "cannot read ahead (%s): %s", where,
			 error_text(b->error));
		return;
	case BENCH_NO_PROCESS:
		snprintf(ret, bytes, "cannot start a process: %s", error_text(b->error));
		return;
	}
}

/* ---- for people ---- */

/* So many decimals that a time of AROUND ms keeps three digits. */
static int decimals(double around)
{
	return around < 10 ? 2 : around < 100 ? 1 : 0;
}

static void format_interval(const struct estimate *e, int digits, char *ret, size_t bytes)
{
	/* A hyphen between negative numbers would be read as one more sign. */
	snprintf(ret, bytes, e->low < 0 ? "[%.*f to %.*f]" : "[%.*f-%.*f]", digits, e->low,
		 digits, e->high);
}

/* The width of the table up to and including these columns. A narrow terminal gets less of
 * them, not broken lines; --json has all. */
enum { WITH_FAULTS = 55, WITH_READS = 73, WITH_CPU = 88 };

static void print_head(FILE *f, bool has_interval, unsigned columns)
{
	fprintf(f, "%-9s %11s %17s", "", "median", has_interval ? "95 %" : "range");
	if (columns >= WITH_FAULTS)
		fprintf(f, " %7s %7s", "major", "minor");
	if (columns >= WITH_READS)
		fprintf(f, " %9s %7s", "requests", "MiB");
	if (columns >= WITH_CPU)
		fprintf(f, " prefetcher CPU");
	fputc('\n', f);
}

static void print_way(FILE *f, const struct bench *b, enum bench_way way,
		      const struct bench_way_summary *s, unsigned columns)
{
	int digits = decimals(s->ms.value);
	char range[64];

	format_interval(&s->ms, digits, range, sizeof(range));
	fprintf(f, "%-9s %8.*f ms %17s", bench_way_name(way), digits, s->ms.value, range);
	if (columns >= WITH_FAULTS)
		fprintf(f, " %7.0f %7.0f", s->n_major, s->n_minor);
	if (columns >= WITH_READS && b->has_reads)
		fprintf(f, " %9.0f %7.1f", s->n_requests, s->n_bytes / (1 << 20));
	else if (columns >= WITH_READS)
		fprintf(f, " %9s %7s", "?", "?");
	if (columns >= WITH_CPU && (way == BENCH_BEFORE || way == BENCH_TOGETHER))
		fprintf(f, " %7.1f ms", s->prefetch_cpu_ms);
	fputc('\n', f);
}

static void print_verdict(FILE *f, const struct bench *b, enum bench_way way,
			  const struct bench_summary *s)
{
	double cold = s->ways[BENCH_COLD].ms.value;
	const struct bench_way_summary *w = &s->ways[way];
	int digits = decimals(cold);
	char range[64];

	format_interval(&w->saves, digits, range, sizeof(range));
	fprintf(f, "read ahead %-9s ", way == BENCH_BEFORE ? "before:" : "together:");
	switch (w->verdict) {
	case VERDICT_GAIN:
		fprintf(f, "saves %.*f ms of %.*f ms %s\n", digits, w->saves.value, digits,
			cold, range);
		break;
	case VERDICT_LOSS:
		fprintf(f, "costs %.*f ms more than %.*f ms: saves %s\n", digits,
			-w->saves.value, digits, cold, range);
		break;
	case VERDICT_NO_GAIN:
		fprintf(f, "no gain here: saves %.*f ms of %.*f ms %s\n", digits,
			w->saves.value, digits, cold, range);
		break;
	case VERDICT_TOO_FEW:
		fprintf(f, "%zu round%s cannot tell, %u can: saves %.*f ms of %.*f ms %s\n",
			b->n_rounds, b->n_rounds == 1 ? "" : "s", STATS_N_MIN, digits,
			w->saves.value, digits, cold, range);
		break;
	}
}

/* The files that kept most, as "libc.so.6 30, ld-linux-x86-64.so.2 7, ...". */
static void list_kept(const struct cold_files *c, char *ret, size_t bytes)
{
	enum { N_SHOWN = 3 };
	uint32_t below = UINT32_MAX;
	size_t n = 0, used = 0;

	*ret = 0;
	while (n <= N_SHOWN) {
		uint32_t most = 0;

		for (size_t i = 0; i < c->n; i++)
			if (c->items[i].n_kept < below)
				most = MAX(most, c->items[i].n_kept);
		below = most;
		for (size_t i = 0; most > 0 && i < c->n && used < bytes; i++)
			if (c->items[i].n_kept == most && n++ < N_SHOWN)
				used += (size_t)snprintf(ret + used, bytes - used,
							 "%s%s %u", n > 1 ? ", " : "",
							 strrchr(c->items[i].path, '/') + 1,
							 most);
		if (most == 0)
			return;
	}
	if (used < bytes)
		snprintf(ret + used, bytes - used, ", ...");
}

static void note_cold(const struct bench *b, const struct bench_summary *s)
{
	const struct cold_files *c = b->files;
	double n_kept = s->ways[BENCH_COLD].n_kept;
	char kept[512];

	if (c->worst.n_kept > 0) {
		list_kept(c, kept, sizeof(kept));
		log_info("%.0f of %llu pages (%.0f %%; at most %llu) could not be evicted: "
			 "running processes use them (%s)",
			 n_kept, (unsigned long long)c->worst.n_visible,
			 100 * n_kept / (double)c->worst.n_visible,
			 (unsigned long long)c->worst.n_kept, kept);
	}
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].n_kept > 0)
			log_debug("%s: %u of %u pages stayed cached", c->items[i].path,
				  c->items[i].n_kept, c->items[i].n_wanted);
	if (!s->was_cold && c->n_invisible > 0)
		log_warning("cold could not be made without root: evicting the files left "
			    "nothing to read");
	else if (!s->was_cold)
		log_warning(
			"cold could not be made: evicting the files left nothing to read");
	else if (c->n_invisible > 0)
		log_info("whether all pages of %zu of %zu files left the cache, only root "
			 "may "
			 "see",
			 c->n_invisible, c->n_used);
}

static void print_notes(const struct bench *b, const struct bench_summary *s)
{
	const struct cold_files *c = b->files;

	note_cold(b, s);
	if (c->n_changed > 0)
		log_warning(
			"%zu file%s changed since compiled and %s not read ahead; 'elfcast "
			"compile' looks at %s again",
			c->n_changed, c->n_changed == 1 ? "" : "s",
			c->n_changed == 1 ? "is" : "are",
			c->n_changed == 1 ? "it" : "them");
	if (b->leaves_processes)
		log_warning(
			"the command leaves processes running: what they map stays cached "
			"in cold launches");
	if (!b->has_reads)
		log_info("requests are not known: no block device of the files is");
	else if (c->n_deviceless > 0)
		log_info("requests and MiB: without %zu files whose device is not known; "
			 "other "
			 "activity on the devices counts",
			 c->n_deviceless);
	else
		log_info(
			"requests and MiB are those of the devices: other activity counts");
}

static uint64_t pages_to_kib(uint64_t n_pages)
{
	return n_pages * (PAGE_BYTES / 1024);
}

int bench_report_print(const struct bench_report *report)
{
	unsigned columns = terminal_columns(STDOUT_FILENO);
	const struct bench *b = report->bench;
	struct bench_summary s;
	struct text_lines t;
	int r;

	r = bench_summarise(b->rounds, b->n_rounds, &s);
	if (r < 0)
		return r;
	r = text_open(&t);
	if (r < 0)
		return r;
	fprintf(t.f, "%s: %llu pages (%.1f MiB) of %zu file%s, %zu round%s\n",
		report->program, (unsigned long long)b->files->n_wanted,
		(double)pages_to_kib(b->files->n_wanted) / 1024, b->files->n_used,
		b->files->n_used == 1 ? "" : "s", b->n_rounds, b->n_rounds == 1 ? "" : "s");
	print_head(t.f, b->n_rounds >= STATS_N_MIN, columns);
	for (size_t way = 0; way < BENCH_WAYS; way++)
		print_way(t.f, b, (enum bench_way)way, &s.ways[way], columns);
	print_verdict(t.f, b, BENCH_BEFORE, &s);
	print_verdict(t.f, b, BENCH_TOGETHER, &s);
	r = text_close(&t);
	fflush(stdout);
	print_notes(b, &s);
	return r;
}

/* ---- for programs ---- */

static void print_estimate(const char *key, const struct estimate *e)
{
	json_open(key, '{');
	json_double("median", e->value);
	json_double("low", e->low);
	json_double("high", e->high);
	json_close('}');
}

static void print_number_or_null(const char *key, bool known, double value)
{
	if (known)
		json_double(key, value);
	else
		json_string(key, NULL);
}

static void print_json_way(const struct bench *b, enum bench_way way,
			   const struct bench_way_summary *s)
{
	bool has_prefetch = way == BENCH_BEFORE || way == BENCH_TOGETHER;

	json_open(bench_way_name(way), '{');
	print_estimate("ms", &s->ms);
	json_double("major_faults", s->n_major);
	json_double("minor_faults", s->n_minor);
	print_number_or_null("requests", b->has_reads, s->n_requests);
	print_number_or_null("bytes", b->has_reads, s->n_bytes);
	print_number_or_null("prefetch_ms", has_prefetch, s->prefetch_ms);
	print_number_or_null("prefetch_cpu_ms", has_prefetch, s->prefetch_cpu_ms);
	json_open("samples_ms", '[');
	for (size_t i = 0; i < b->n_rounds; i++)
		json_double(NULL, (double)b->rounds[i].ways[way].launch.wall_us / 1000);
	json_close(']');
	if (has_prefetch) {
		print_estimate("saves_ms", &s->saves);
		json_string("verdict", bench_verdict_name(s->verdict));
	}
	json_close('}');
}

static void print_json_cold(const struct bench *b, const struct bench_summary *s)
{
	const struct cold_files *c = b->files;

	json_open("eviction", '{');
	json_bool("was_cold", s->was_cold);
	json_uint("pages_visible", c->worst.n_visible);
	json_double("pages_kept", s->ways[BENCH_COLD].n_kept);
	json_uint("pages_kept_max", c->worst.n_kept);
	json_uint("files_invisible", c->n_invisible);
	json_open("kept", '[');
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].n_kept == 0)
			continue;
		json_open(NULL, '{');
		json_string("path", c->items[i].path);
		json_uint("pages", c->items[i].n_wanted);
		json_uint("kept", c->items[i].n_kept);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}

static void print_json_results(const struct bench *b, const struct bench_summary *s)
{
	json_bool("leaves_processes", b->leaves_processes);
	print_json_cold(b, s);
	json_open("ways", '{');
	for (size_t way = 0; way < BENCH_WAYS; way++)
		print_json_way(b, (enum bench_way)way, &s->ways[way]);
	json_close('}');
}

int bench_report_print_json(const struct bench_report *report)
{
	const struct bench *b = report->bench;
	bool is_whole = b->problem == BENCH_OK || b->problem == BENCH_INTERRUPTED;
	struct bench_summary s;
	char problem[512];
	int r;

	if (is_whole && b->n_rounds > 0) {
		r = bench_summarise(b->rounds, b->n_rounds, &s);
		if (r < 0)
			return r;
	}
	bench_report_problem(report, problem, sizeof(problem));
	json_open(NULL, '{');
	json_string("program", report->program);
	json_open("command", '[');
	for (size_t i = 0; b->launch.argv[i]; i++)
		json_string(NULL, b->launch.argv[i]);
	json_close(']');
	json_string("problem", is_whole ? NULL : problem);
	json_bool("interrupted", b->problem == BENCH_INTERRUPTED);
	json_uint("rounds", b->n_rounds);
	json_uint("rounds_wanted", report->n_rounds_wanted);
	json_uint("pages", b->files->n_wanted);
	json_uint("files", b->files->n_used);
	json_uint("files_changed", b->files->n_changed);
	if (is_whole && b->n_rounds > 0)
		print_json_results(b, &s);
	json_close('}');
	return 0;
}
