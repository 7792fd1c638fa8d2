// SPDX-License-Identifier: GPL-2.0
/*
 * The goals of mapdev, compared with the results of the same boot. Each goal is a
 * figure, or the ratio of two figures, and its limit. They are for instructions,
 * because time differs between machines.
 */
#include <stdio.h>

#include "bench.h"

/* A figure to subtract from both figures before they are compared. */
enum less { NONE, ZERO_4K, ZERO_2M, LOAD, STORE };

static const struct {
	const char *key;
	const char *name;
} parts[] = {
	[NONE] = { "", "" },
	[ZERO_4K] = {
		"map/zeroing, 4K at a time/fresh write", " (less zeroing)"
	},
	[ZERO_2M] = {
		"map/zeroing, 2M at a time/fresh write", " (less zeroing)"
	},
	[LOAD] = { "map/touch of mapped pages/read again", " (less touch)" },
	[STORE] = { "map/touch of mapped pages/write again", " (less touch)" },
};

/**
 * struct goal - one goal
 * @part: part of the list of goals in the tracker
 * @table: table of the figures
 * @row: row of mapdev
 * @column: column of the figures
 * @over: row to compare with, or NULL for a limit of the figure itself
 * @over_column: column in @over, if not @column
 * @less: what is subtracted
 * @limit: maximum of the figure or the ratio
 */
static const struct goal {
	const char *part;
	const char *table;
	const char *row;
	const char *column;
	const char *over;
	const char *over_column;
	enum less less;
	double limit;
} goals[] = {
	{ "1", "map", "paged 2M", "read again", "hugetlbfs", NULL, NONE, 1.05 },
	{ "1", "map", "paged 2M", "write again", "hugetlbfs", NULL, NONE, 1.05 },
	{ "1", "map", "paged 2M", "fresh write", "hugetlbfs", NULL, ZERO_2M, 1.5 },
	{ "1", "map", "paged 2M", "fresh write", "memfd THP", NULL, ZERO_2M, 0.6 },
	{ "1", "map", "contig", "read again", "hugetlbfs", NULL, NONE, 0.95 },
	{ "1", "map", "contig", "write again", "hugetlbfs", NULL, NONE, 0.95 },
	{ "1", "map", "window, reserved RAM", "read again", "hugetlbfs", NULL, NONE, 0.95 },
	{ "1", "map", "window, reserved RAM", "write again", "hugetlbfs", NULL, NONE, 0.95 },
	{ "1", "map", "contig of 1 GiB", "read again", "hugetlbfs", NULL, LOAD, 0.1 },
	{ "1", "map", "contig of 1 GiB", "write again", "hugetlbfs", NULL, STORE, 0.1 },
	{ "1", "map", "window, BAR of 1 GiB", "read again", "hugetlbfs", NULL, LOAD, 0.1 },
	{ "1", "map", "window, BAR of 1 GiB", "write again", "hugetlbfs", NULL, STORE, 0.1 },

	{ "2", "map", "paged 4K", "fresh write", "memfd 4K", NULL, ZERO_4K, 0.95 },
	{ "2", "map", "paged 4K", "read again", "memfd 4K", NULL, NONE, 1.0 },
	{ "2", "map", "paged 4K", "write again", "memfd 4K", NULL, NONE, 1.0 },
	{ "2", "map", "paged 4K", "munmap", "memfd 4K", NULL, NONE, 1.0 },
	{ "2", "map", "paged 64K", "fresh write", "memfd 4K", NULL, ZERO_4K, 0.12 },
	{ "2", "map", "paged 64K", "read again", "memfd 4K", NULL, NONE, 0.35 },
	{ "2", "map", "paged 64K", "write again", "memfd 4K", NULL, NONE, 0.12 },
	{ "2", "map", "paged 64K", "munmap", "memfd 4K", NULL, NONE, 0.2 },

	{ "3", "map", "pages", "read again", "memfd 4K", NULL, NONE, 0.5 },
	{ "3", "map", "pages", "write again", "memfd 4K", "read again", NONE, 0.5 },
	{ "3", "map", "vmalloc", "read again", "memfd 4K", NULL, NONE, 0.5 },
	{ "3", "map", "vmalloc", "write again", "memfd 4K", "read again", NONE, 0.5 },
	{ "3", "map", "pages eager", "in all", "udmabuf", NULL, ZERO_4K, 0.4 },

	/* Without the allocation, which makes these goals harder. */
	{ "4", "map", "contig", "create", "zeroing, 2M at a time", "fresh write", NONE, 1.1 },
	{ "4", "map", "pages", "create", "zeroing, 4K at a time", "fresh write", NONE, 1.1 },

	{ "5", "dirty", "paged 4K, 64M, 262 x 4K", "collect", NULL, NULL, NONE, 1000 },
	{ "5", "dirty", "paged 4K, 1024M, 262 x 4K", "collect", NULL, NULL, NONE, 1000 },
	{ "5", "dirty", "paged 64K, 64M, 262 x 64K", "collect", NULL, NULL, NONE, 400 },
	{ "5", "dirty", "paged 64K, 64M, 16 x 1M", "collect", NULL, NULL, NONE, 400 },
	{ "5", "dirty", "contig pin, 64M, 16 x 1M", "collect", NULL, NULL, NONE, 400 },
	{ "5", "dirty", "paged 4K, 4096M, 262 x 4K", "collect",
	  "mapdev paged 4K, 64M, 262 x 4K", NULL, NONE, 1.05 },
	{ "5", "dirty", "paged 4K, 1024M, 262 x 4K", "in all",
	  "PAGEMAP_SCAN, 1024M, 262 x 4K", NULL, NONE, 1 / 15.0 },
	{ "5", "dirty", "paged 4K, 1024M, 262 x 4K", "in all",
	  "soft-dirty, 1024M, 262 x 4K", NULL, NONE, 1 / 15.0 },
	{ "5", "dirty", "paged 4K, 64M, 262 x 4K", "first write",
	  "PAGEMAP_SCAN, 64M, 262 x 4K", NULL, NONE, 1.3 },
	{ "5", "dirty", "paged 4K, 1024M, 262 x 4K", "first write",
	  "PAGEMAP_SCAN, 1024M, 262 x 4K", NULL, NONE, 1.3 },

	{ "6", "copy", "paged 4K", "read", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 4K", "write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 64K", "read", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 64K", "write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 2M", "read", "tmpfs THP", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 2M", "write", "tmpfs THP", NULL, NONE, 1.0 },
	{ "6", "copy", "pages", "read", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "pages", "write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "vmalloc", "read", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "vmalloc", "write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "contig", "read", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "contig", "write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 4K", "fresh write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 64K", "fresh write", "tmpfs 4K", NULL, NONE, 1.0 },
	{ "6", "copy", "paged 2M", "fresh write", "tmpfs THP", NULL, NONE, 1.0 },

	/* With ten times as many, each costs a little more, because trees grow. */
	{ "7", "scale", "paged 4K, 10000 mappings", "make",
	  "mapdev paged 4K, 1000 mappings", NULL, NONE, 1.25 },
	{ "7", "scale", "paged 4K, 10000 mappings", "end",
	  "mapdev paged 4K, 1000 mappings", NULL, NONE, 1.25 },
	{ "7", "scale", "paged 4K, 10000 mappings", "revoke",
	  "mapdev paged 4K, 1000 mappings", NULL, NONE, 1.25 },
	{ "7", "scale", "pages, 10000 mappings", "make",
	  "mapdev pages, 1000 mappings", NULL, NONE, 1.25 },
	{ "7", "scale", "contig, 10000 mappings", "make",
	  "mapdev contig, 1000 mappings", NULL, NONE, 1.25 },
	{ "7", "scale", "paged 4K, 1000 objects", "make",
	  "mapdev paged 4K, 100 objects", NULL, NONE, 1.25 },
	{ "7", "scale", "paged 4K, 1000 objects", "end",
	  "mapdev paged 4K, 100 objects", NULL, NONE, 1.25 },
	{ "7", "dirty", "paged 4K, 1024M, 100000 x 4K", "collect",
	  "mapdev paged 4K, 1024M, 10000 x 4K", NULL, NONE, 1.25 },
	{ "7", "threads", "paged 4K, 2 threads", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "paged 4K, 2 processes", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "paged 64K, 2 threads", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "paged 64K, 2 processes", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "paged 2M, 2 threads", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "paged 2M, 2 processes", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "pages, 2 threads", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "pages, 2 processes", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "contig, 2 threads", "mmap lock", NULL, NULL, NONE, 0 },
	{ "7", "threads", "contig, 2 processes", "mmap lock", NULL, NULL, NONE, 0 },
};

/*
 * The shapes, and the peer of the largest granule; that of the others is memfd 4K. A
 * granule that is touched in one page only takes more memory by design.
 */
static const struct {
	const char *column;
	const char *peer;
} shapes[] = {
	{ "aligned", "memfd THP" },
	{ "page off", "memfd 4K" },
	{ "1M", "memfd 4K" },
	{ "64K", "memfd 4K" },
	{ "every other", "memfd THP" },
	{ "mprotect", "memfd 4K" },
	{ "fork", "memfd THP" },
	{ "cold", "memfd 4K" },
	{ "hole", "memfd 4K" },
	{ "discard", "memfd THP" },
	{ "64K apart", NULL },
	{ "2M apart", NULL },
};

static double figure(const char *table, const char *prefix, const char *row,
		     const char *column)
{
	char key[128];

	snprintf(key, sizeof(key), "%s/%s%s/%s", table, prefix, row, column);
	return result_of(key);
}

static double value_of(const struct goal *goal)
{
	double less = goal->less ? result_of(parts[goal->less].key) : 0;
	double value = figure(goal->table, "mapdev ", goal->row, goal->column);

	if (!goal->over)
		return value;
	return (value - less) /
	       (figure(goal->table, "", goal->over,
		       goal->over_column ?: goal->column) - less);
}

static bool judge(const struct goal *goal, double value)
{
	const char *other = goal->over_column;
	bool met = value <= goal->limit;
	char what[128];

	snprintf(what, sizeof(what), "%s, %s%s%s%s%s%s", goal->row,
		 goal->column, goal->over ? " / " : "", goal->over ?: "",
		 other ? ", " : "", other ?: "", parts[goal->less].name);
	if (isnan(value)) {
		printf("%-2s %-86s not measured\n", goal->part, what);
		return false;
	}
	printf("%-2s %-86s %9.3f %8.3f %s\n", goal->part, what, value,
	       goal->limit, met ? "met" : "MISSED");
	json_goal(goal->part, what, value, goal->limit);
	return met;
}

static size_t judged, met;

/* Without a complete run, some goals have no figures. */
static void judge_if_measured(const struct goal *goal)
{
	double value = value_of(goal);

	if ((settings.some || *settings.rows) && isnan(value))
		return;
	met += judge(goal, value);
	judged++;
}

static void judge_shape(const char *row, const char *column, const char *peer)
{
	const struct goal goal = {
		"8", "shape", row, column, peer, NULL, NONE, 1.1
	};

	if (peer)
		judge_if_measured(&goal);
}

void judge_goals(void)
{
	printf("\n%-89s %9s %8s\n", "goals", "measured", "limit");
	for (size_t i = 0; i < ARRAY_SIZE(goals); i++)
		judge_if_measured(&goals[i]);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const char *column = shapes[i].column, *peer = shapes[i].peer;

		judge_shape("paged 4K", column, "memfd 4K");
		judge_shape("paged 64K", column, peer ? "memfd 4K" : NULL);
		judge_shape("paged 2M", column, peer);
	}
	printf("%zu of %zu met\n", met, judged);
}
