// SPDX-License-Identifier: GPL-2.0
/* Read a dirty log. */
#include "dirty.h"

int logged_open(struct logged *log, const char *attrs, u64 size)
{
	struct mapdev_info info = { .size = sizeof(info) };
	char all[128];
	int err;

	snprintf(all, sizeof(all), "size=%llu dirty=1 %s", size, attrs);
	err = region_create(&log->r, all);
	if (err)
		return err;
	log->fd = open(log->r.node, O_RDWR);
	if (log->fd < 0 || ioctl(log->fd, MAPDEV_IOC_INFO, &info))
		return -errno;
	log->size = size;
	log->unit = info.dirty_unit;
	log->count = log->unit ? (size + log->unit - 1) / log->unit : 0;
	return log->count && log->count <= MAX_UNITS ? 0 : -ERANGE;
}

/* One call: 0 or -errno. */
int ask(int fd, struct mapdev_dirty *dirty)
{
	return ioctl(fd, MAPDEV_IOC_DIRTY, dirty) ? -errno : 0;
}

/* Add the runs of a report to a set; the number of malformed runs. */
int add_runs(const struct logged *log, struct units *set,
	     const struct mapdev_run *runs, u32 count)
{
	u64 end = 0;
	int wrong = 0;

	for (u32 i = 0; i < count; i++) {
		u64 from = runs[i].offset, to = from + runs[i].length;

		wrong += from % log->unit || (to % log->unit && to != log->size);
		wrong += to <= from || to > log->size;
		/* Sorted, and not adjacent. */
		wrong += i && from <= end;
		end = to;
		for (u64 at = from; at < to && at < log->size; at += log->unit)
			set->is[at / log->unit]++;
	}
	return wrong;
}

/* Collect the whole log, @capacity runs at a time; 0 or -errno. */
int collect_by(const struct logged *log, struct units *set, u32 capacity)
{
	struct mapdev_run runs[512];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.length = log->size,
		.runs = (uintptr_t)runs,
		.capacity = capacity,
	};

	memset(set, 0, sizeof(*set));
	do {
		u64 before = dirty.offset, end = before + dirty.length;
		int err = ask(log->fd, &dirty);

		if (err)
			return err;
		if (dirty.count > capacity || dirty.offset + dirty.length != end ||
		    (dirty.length && dirty.offset <= before) ||
		    add_runs(log, set, runs, dirty.count))
			return -EPROTO;
	} while (dirty.length);
	return 0;
}

int collect(const struct logged *log, struct units *set)
{
	return collect_by(log, set, 512);
}

/* Add written bytes to the set of units that the log has to report. */
void expect(const struct logged *log, struct units *set, u64 offset, u64 length)
{
	for (u64 i = offset / log->unit; i <= (offset + length - 1) / log->unit;
	     i++)
		set->is[i] = 1;
}

/* The first unit in which two sets differ, or -1. */
long unlike(const struct logged *log, const struct units *a,
	    const struct units *b)
{
	if (!memcmp(a->is, b->is, log->count))
		return -1;
	for (size_t i = 0; i < log->count; i++)
		if (a->is[i] != b->is[i])
			return i;
	return -1;
}
