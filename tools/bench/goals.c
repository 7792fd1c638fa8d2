// SPDX-License-Identifier: GPL-2.0
/*
 * What mapdev must reach, held against what was measured in the same boot. The
 * goals are data; each is a figure, or a figure over another, and its limit.
 */
#include <stdio.h>

#include "bench.h"

/* What may be taken off the figures before they are compared. */
static const struct part {
	const char *key;
	const char *name;
} nothing = { NULL, "" },
  zero_4k = { "map/zeroing, 4K at a time/fresh write", " (less zeroing)" },
  zero_2m = { "map/zeroing, 2M at a time/fresh write", " (less zeroing)" },
  load = { "map/touch of mapped pages/read again", " (less touch)" },
  store = { "map/touch of mapped pages/write again", " (less touch)" };

/**
 * struct goal - one that can be met or missed
 * @part: of the list of goals
 * @what: is compared
 * @value: TABLE/ROW/COLUMN
 * @over: another, or NULL: the figure is judged as it is
 * @less: what is taken off both first
 * @limit: the most that @value, or the ratio, may be
 */
static const struct goal {
	const char *part;
	const char *what;
	const char *value;
	const char *over;
	const struct part *less;
	double limit;
} goals[] = {
#define MAP(_part, _row, _column, _over_row, _over_column, _less, _limit) {   \
	.part = _part,							      \
	.what = _row ": " _column " / " _over_row ": " _over_column,	      \
	.value = "map/mapdev " _row "/" _column,			      \
	.over = "map/" _over_row "/" _over_column,			      \
	.less = _less, .limit = _limit }
	MAP("1", "paged 2M", "read again", "hugetlbfs", "read again", &nothing, 1.05),
	MAP("1", "paged 2M", "write again", "hugetlbfs", "write again", &nothing, 1.05),
	MAP("1", "paged 2M", "fresh write", "hugetlbfs", "fresh write", &zero_2m, 1.5),
	MAP("1", "paged 2M", "fresh write", "memfd THP", "fresh write", &zero_2m, 0.6),
	MAP("1", "contig", "read again", "hugetlbfs", "read again", &nothing, 0.95),
	MAP("1", "contig", "write again", "hugetlbfs", "write again", &nothing, 0.95),
	MAP("1", "window, reserved RAM", "read again", "hugetlbfs", "read again", &nothing, 0.95),
	MAP("1", "window, reserved RAM", "write again", "hugetlbfs", "write again", &nothing, 0.95),
	MAP("1", "contig of 1 GiB", "read again", "hugetlbfs", "read again", &load, 0.1),
	MAP("1", "contig of 1 GiB", "write again", "hugetlbfs", "write again", &store, 0.1),
	MAP("1", "window, BAR of 1 GiB", "read again", "hugetlbfs", "read again", &load, 0.1),
	MAP("1", "window, BAR of 1 GiB", "write again", "hugetlbfs", "write again", &store, 0.1),
	MAP("2", "paged 4K", "fresh write", "memfd 4K", "fresh write", &zero_4k, 0.95),
	MAP("2", "paged 4K", "read again", "memfd 4K", "read again", &nothing, 1.0),
	MAP("2", "paged 4K", "write again", "memfd 4K", "write again", &nothing, 1.0),
	MAP("2", "paged 4K", "munmap", "memfd 4K", "munmap", &nothing, 1.0),
	MAP("2", "paged 64K", "fresh write", "memfd 4K", "fresh write", &zero_4k, 0.12),
	MAP("2", "paged 64K", "read again", "memfd 4K", "read again", &nothing, 0.35),
	MAP("2", "paged 64K", "write again", "memfd 4K", "write again", &nothing, 0.12),
	MAP("2", "paged 64K", "munmap", "memfd 4K", "munmap", &nothing, 0.2),
	MAP("3", "pages", "read again", "memfd 4K", "read again", &nothing, 0.5),
	MAP("3", "pages", "write again", "memfd 4K", "read again", &nothing, 0.5),
	MAP("3", "vmalloc", "read again", "memfd 4K", "read again", &nothing, 0.5),
	MAP("3", "vmalloc", "write again", "memfd 4K", "read again", &nothing, 0.5),
	MAP("3", "pages eager", "in all", "udmabuf", "in all", &zero_4k, 0.4),
	MAP("4", "contig", "create", "zeroing, 2M at a time", "fresh write", &nothing, 1.1),
	MAP("4", "pages", "create", "zeroing, 4K at a time", "fresh write", &nothing, 1.1),
#undef MAP
#define DIRTY(_row, _column, _limit) {					      \
	.part = "5", .what = _row ": " _column, .limit = _limit,	      \
	.less = &nothing,						      \
	.value = "dirty/mapdev " _row "/" _column }
#define OVER(_row, _column, _over, _limit) {				      \
	.part = "5", .what = _row ": " _column " / " _over, .limit = _limit,  \
	.less = &nothing,						      \
	.value = "dirty/mapdev " _row "/" _column,			      \
	.over = "dirty/" _over "/" _column }
	DIRTY("paged 4K, 64M, 262 x 4K", "collect", 1000),
	DIRTY("paged 4K, 1024M, 262 x 4K", "collect", 1000),
	DIRTY("paged 64K, 64M, 262 x 64K", "collect", 400),
	DIRTY("paged 64K, 64M, 16 x 1M", "collect", 400),
	DIRTY("contig pin, 64M, 16 x 1M", "collect", 400),
	OVER("paged 4K, 4096M, 262 x 4K", "collect", "mapdev paged 4K, 64M, 262 x 4K", 1.05),
	OVER("paged 4K, 1024M, 262 x 4K", "in all", "PAGEMAP_SCAN, 1024M, 262 x 4K", 1 / 15.0),
	OVER("paged 4K, 1024M, 262 x 4K", "in all", "soft-dirty, 1024M, 262 x 4K", 1 / 15.0),
	OVER("paged 4K, 64M, 262 x 4K", "first write", "PAGEMAP_SCAN, 64M, 262 x 4K", 1.3),
	OVER("paged 4K, 1024M, 262 x 4K", "first write", "PAGEMAP_SCAN, 1024M, 262 x 4K", 1.3),
#undef DIRTY
#undef OVER
#define COPY(_row, _column, _over) {					      \
	.part = "6", .what = _row ": " _column " / " _over, .limit = 1.0,     \
	.less = &nothing,						      \
	.value = "copy/mapdev " _row "/" _column,			      \
	.over = "copy/" _over "/" _column }
	COPY("paged 4K", "read", "tmpfs 4K"),
	COPY("paged 4K", "write", "tmpfs 4K"),
	COPY("paged 64K", "read", "tmpfs 4K"),
	COPY("paged 64K", "write", "tmpfs 4K"),
	COPY("paged 2M", "read", "tmpfs THP"),
	COPY("paged 2M", "write", "tmpfs THP"),
	COPY("pages", "read", "tmpfs 4K"),
	COPY("pages", "write", "tmpfs 4K"),
	COPY("vmalloc", "read", "tmpfs 4K"),
	COPY("vmalloc", "write", "tmpfs 4K"),
	COPY("contig", "read", "tmpfs 4K"),
	COPY("contig", "write", "tmpfs 4K"),
#undef COPY
/* Ten times as many cost each as much and some more, for trees grow in depth. */
#define GROWTH(_table, _row, _column, _more, _less) {			      \
	.part = "7", .what = _row ": " _column ", " _more " / " _less,	      \
	.less = &nothing,						      \
	.value = _table "/mapdev " _row ", " _more "/" _column,		      \
	.over = _table "/mapdev " _row ", " _less "/" _column, .limit = 1.25 }
	GROWTH("scale", "paged 4K", "make", "10000 mappings", "1000 mappings"),
	GROWTH("scale", "paged 4K", "end", "10000 mappings", "1000 mappings"),
	GROWTH("scale", "paged 4K", "revoke", "10000 mappings", "1000 mappings"),
	GROWTH("scale", "contig", "make", "10000 mappings", "1000 mappings"),
	GROWTH("scale", "paged 4K", "make", "1000 objects", "100 objects"),
	GROWTH("scale", "paged 4K", "end", "1000 objects", "100 objects"),
	GROWTH("dirty", "paged 4K, 1024M", "collect", "100000 x 4K", "10000 x 4K"),
#undef GROWTH
/* A few faults are of the threads' and processes' own making. */
#define LOCK(_row) {							      \
	.part = "7", .what = _row ": mmap lock / vma lock",		      \
	.less = &nothing,						      \
	.value = "threads/mapdev " _row "/mmap lock",			      \
	.over = "threads/mapdev " _row "/vma lock", .limit = 0.02 }
	LOCK("paged 4K, 2 threads"),
	LOCK("paged 4K, 2 processes"),
	LOCK("pages, 2 threads"),
	LOCK("pages, 2 processes"),
#undef LOCK
};

static double value_of(const struct goal *goal)
{
	double less = goal->less->key ? result_of(goal->less->key) : 0;
	double value = result_of(goal->value) - less;

	return goal->over ? value / (result_of(goal->over) - less) : value;
}

static bool judge(const struct goal *goal)
{
	double value = value_of(goal);
	bool met = value <= goal->limit;
	char what[128];

	snprintf(what, sizeof(what), "%s%s", goal->what, goal->less->name);
	if (isnan(value)) {
		printf("%-2s %-86s %9s\n", goal->part, what, "?");
		return false;
	}
	printf("%-2s %-86s %9.3f %8.3f %s\n", goal->part, what, value,
	       goal->limit, met ? "met" : "MISSED");
	json_goal(goal->part, what, value, goal->limit);
	return met;
}

void judge_goals(void)
{
	size_t met = 0;

	printf("\n%-89s %9s %8s\n", "goals", "measured", "limit");
	for (size_t i = 0; i < ARRAY_SIZE(goals); i++)
		met += judge(&goals[i]);
	printf("%zu of %zu met\n", met, ARRAY_SIZE(goals));
}
