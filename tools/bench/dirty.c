// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of a dirty log. Memory that is allocated, mapped and collected is written
 * in some places, and collected again.
 *
 *   first write  the store to a page (to a granule) after a collection
 *   collect      for each 4K that was written
 *   in all       the whole collection
 */
#include <errno.h>
#include <stdio.h>

#include "bench.h"

enum column { FIRST, COLLECT, ALL, COLUMNS };

static const char * const columns[COLUMNS] = {
	"first write", "collect", "in all",
};

/**
 * struct pattern - which memory is written
 * @name: description
 * @run: bytes of consecutive writes
 * @unit: unit of the log, with one store each
 * @count: number of runs, at equal distances
 */
struct pattern {
	const char *name;
	size_t run;
	size_t unit;
	size_t count;
};

static const struct pattern scattered = { "262 x 4K", STEP, STEP, 262 };
static const struct pattern more = { "1000 x 4K", STEP, STEP, 1000 };
static const struct pattern many = { "10000 x 4K", STEP, STEP, 10000 };
static const struct pattern lots = { "100000 x 4K", STEP, STEP, 100000 };
static const struct pattern runs = { "16 x 1M", MIB, STEP, 16 };
static const struct pattern granules = { "262 x 64K", 64 << 10, 64 << 10, 262 };
static const struct pattern granule_runs = { "16 x 1M", MIB, 64 << 10, 16 };

static const struct log_row {
	const struct log_kind *kind;
	size_t size;
	const struct pattern *patterns[5];
} rows[] = {
	{ &log_paged_4k, 64 * MIB, { &scattered, &runs } },
	{ &log_paged_64k, 64 * MIB, { &granules, &granule_runs } },
	{ &log_pages, 64 * MIB, { &scattered, &runs } },
	{ &log_contig, 64 * MIB, { &scattered, &runs } },
	{ &log_scan, 64 * MIB, { &scattered, &runs } },
	{ &log_soft_dirty, 64 * MIB, { &scattered, &runs } },
	{ &log_paged_4k, GIB, { &scattered, &more, &many, &lots } },
	{ &log_scan, GIB, { &scattered, &more, &many, &lots } },
	{ &log_soft_dirty, GIB, { &scattered } },
	{ &log_paged_4k, 4 * GIB, { &scattered } },
};

/* Distance between runs, in whole pages. */
static size_t distance(const struct log *log, const struct pattern *pattern)
{
	return log->size / pattern->count / pattern->unit * pattern->unit;
}

static uint64_t write_to(struct log *log, const struct pattern *pattern)
{
	size_t apart = distance(log, pattern);
	uint64_t start;

	/* Only the stores, so that nothing else is measured. */
	if (pattern->run == pattern->unit)
		return touch(log->memory, apart * pattern->count, apart, true);
	start = now();
	for (size_t i = 0; i < pattern->count; i++)
		touch(log->memory + i * apart, pattern->run, pattern->unit, true);
	return now() - start;
}

static bool measure(struct log *log, const struct pattern *pattern,
		    double *least)
{
	size_t bytes = pattern->count * pattern->run;
	uint64_t writing, start, collecting;
	long long found;

	writing = write_to(log, pattern);
	start = now();
	found = log->kind->collect(log);
	collecting = now() - start;
	if (found != (long long)bytes) {
		/* A fast but wrong answer must not count. */
		errno = found < 0 ? errno : EBADMSG;
		return false;
	}
	keep_least(&least[FIRST], (double)writing / (bytes / pattern->unit));
	keep_least(&least[COLLECT], (double)collecting / (bytes / STEP));
	keep_least(&least[ALL], collecting);
	return true;
}

static bool bench_pattern(const char *name, struct log *log,
			  const struct pattern *pattern)
{
	double least[COLUMNS];

	none_yet(least, COLUMNS);
	for (unsigned int i = 0; i <= settings.repeats; i++)
		if (!measure(log, pattern, least))
			return row_failed(name);
	table_row(name, least);
	return true;
}

/* All patterns share the memory. */
static bool bench_log(const struct log_kind *kind, size_t size,
		      const struct pattern * const *patterns)
{
	bool done = true, open = false;
	char name[80];
	struct log log;

	for (; *patterns; patterns++) {
		snprintf(name, sizeof(name), "%s, %zuM, %s", kind->name,
			 size / MIB, (*patterns)->name);
		if (!wanted(name))
			continue;
		if (!open && !log_open(&log, kind, size))
			return row_failed(name);
		open = true;
		done &= bench_pattern(name, &log, *patterns);
	}
	if (open)
		log_close(&log);
	return done;
}

bool bench_dirty(void)
{
	bool done = true;

	table_begin("dirty", "first write: per store; collect: per 4K; in all: once",
		    columns, COLUMNS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		done &= bench_log(rows[i].kind, rows[i].size, rows[i].patterns);
	return done;
}
