// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a region, in /sys/kernel/debug/mapdev/NAME. They are per CPU, so
 * that counting a fault writes no cache line that another CPU writes.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <kunit/visibility.h>

#include "mapdev.h"

static struct dentry *mapdev_debugfs;

static const char * const mapdev_stat_names[] = {
	[MAPDEV_STAT_PREPARE]	= "prepare",
	[MAPDEV_STAT_MAPPED]	= "mapped",
	[MAPDEV_STAT_OPEN]	= "open",
	[MAPDEV_STAT_CLOSE]	= "close",
	[MAPDEV_STAT_FAULT]	= "fault",
	[MAPDEV_STAT_HUGE_FAULT] = "huge_fault",
	[MAPDEV_STAT_MKWRITE]	= "mkwrite",
	[MAPDEV_STAT_FALLBACK]	= "fallback",
	[MAPDEV_STAT_SIGBUS]	= "sigbus",
	[MAPDEV_STAT_REVOKE]	= "revoke",
	[MAPDEV_STAT_RESTORE]	= "restore",
	[MAPDEV_STAT_COLLECT]	= "collect",
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

	for (int i = 0; i < MAPDEV_NR_STATS; i++)
		seq_printf(seq, "%s %llu\n", mapdev_stat_names[i],
			   mapdev_stat(region, i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

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
