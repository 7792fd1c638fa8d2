// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a region, in /sys/kernel/debug/mapdev/NAME, and the tracepoints.
 * Counters are per CPU, so that counting a fault writes no cache line that
 * another CPU writes.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <kunit/visibility.h>

#include "fault.h"
#include "mapdev.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include <trace/events/mapdev.h>

static struct dentry *mapdev_debugfs;

/* A line of the file: a counter, less another where it has one. */
struct counter {
	const char *name;
	enum mapdev_stat stat;
	enum mapdev_stat less;
};

#define COUNTER(_name, _stat) \
	{ _name, MAPDEV_STAT_##_stat, MAPDEV_NR_STATS }
#define DIFFERENCE(_name, _stat, _less) \
	{ _name, MAPDEV_STAT_##_stat, MAPDEV_STAT_##_less }

static const struct counter counters[] = {
	COUNTER("prepare", PREPARE),
	COUNTER("mapped", MAPPED),
	/* It was merged with a neighbour, or it failed. */
	DIFFERENCE("not_mapped", PREPARE, MAPPED),
	COUNTER("open", OPEN),
	COUNTER("close", CLOSE),
	COUNTER("fault", FAULT),
	DIFFERENCE("fault_vma_lock", FAULT, FAULT_MMAP),
	COUNTER("fault_mmap_lock", FAULT_MMAP),
	COUNTER("huge_fault", HUGE_FAULT),
	DIFFERENCE("huge_fault_vma_lock", HUGE_FAULT, HUGE_FAULT_MMAP),
	COUNTER("huge_fault_mmap_lock", HUGE_FAULT_MMAP),
	COUNTER("map_pages", MAP_PAGES),
	DIFFERENCE("map_pages_vma_lock", MAP_PAGES, MAP_PAGES_MMAP),
	COUNTER("map_pages_mmap_lock", MAP_PAGES_MMAP),
	COUNTER("mkwrite", MKWRITE),
	COUNTER("fallback", FALLBACK),
	COUNTER("sigbus", SIGBUS),
	COUNTER("revoke", REVOKE),
	COUNTER("restore", RESTORE),
	COUNTER("resize", RESIZE),
	COUNTER("discard", DISCARD),
	COUNTER("collect", COLLECT),
};

/* The sum over all CPUs; counting goes on meanwhile. */
u64 mapdev_stat(const struct mapdev_region *region, enum mapdev_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(region->stats, cpu)->count[stat];
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(mapdev_stat);

static int counters_show(struct seq_file *seq, void *unused)
{
	const struct mapdev_region *region = seq->private;

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		u64 value = mapdev_stat(region, counters[i].stat);
		u64 less = 0;

		/* It is read later, and may have grown past it. */
		if (counters[i].less < MAPDEV_NR_STATS)
			less = min(mapdev_stat(region, counters[i].less), value);
		seq_printf(seq, "%s %llu\n", counters[i].name, value - less);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

/* Called by mapdev_fault_end() when the tracepoint is enabled. */
void mapdev_trace_fault(const struct vm_fault *vmf, unsigned int order,
			vm_fault_t ret)
{
	const struct mapdev_region *region = mapdev_of_vma(vmf->vma);

	trace_call__mapdev_fault(mapdev_name(region), vmf, order, ret);
}

void mapdev_stats_publish(struct mapdev_region *region)
{
	region->debugfs = debugfs_create_file(mapdev_name(region), 0400,
					      mapdev_debugfs, region,
					      &counters_fops);
}

void mapdev_stats_init(void)
{
	mapdev_debugfs = debugfs_create_dir("mapdev", NULL);
}

void mapdev_stats_exit(void)
{
	debugfs_remove(mapdev_debugfs);
}
