// SPDX-License-Identifier: GPL-2.0
/*
 * What a dirty log costs. Memory that is there, mapped and collected is written
 * to in some places, and collected again.
 *
 *   first write  the store into a page (into a granule) after a collection
 *   collect      for each 4K that was written to
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
 * struct pattern - where is written
 * @name: in words
 * @run: bytes that are written to, one after the other
 * @unit: of the log: there is one store for each
 * @count: how many runs, at equal distances
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

/* How far the runs are apart: whole pages. */
static size_t distance(const struct log *log, const struct pattern *pattern)
{
	return log->size / pattern->count / pattern->unit * pattern->unit;
}

static uint64_t write_to(struct log *log, const struct pattern *pattern)
{
	size_t apart = distance(log, pattern);
	uint64_t start;

	/* Stores alone, so that nothing else is measured with them. */
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
		/* What is fast and wrong does not count. */
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

/* The memory is made once for all of its patterns. */
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
