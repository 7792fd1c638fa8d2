// SPDX-License-Identifier: GPL-2.0
/*
 * The locks that faults on several CPUs take and wait for, from /proc/lock_stat, which
 * appends -W or -R to a class that is taken in both ways.
 *
 *   taken    acquisitions
 *   moved    acquisitions with the cache line on another CPU; per-CPU semaphores are
 *            not counted, they have a line for each CPU
 *   waited   acquisitions that had to wait
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LOCK_STAT	"/proc/lock_stat"

/* Locks of mm core that moved or were waited for more often than by chance. */
#define CHANCE		100

enum column { TAKEN, MOVED, WAITED, COLUMNS };

static const char * const columns[COLUMNS] = { "taken", "moved", "waited" };

/* Fields after the name of a class, from 0: see kernel/locking/lockdep_proc.c. */
static const int fields[COLUMNS] = {
	[TAKEN] = 7, [MOVED] = 6, [WAITED] = 1,
};

#define FIELDS		12

/* Reset the counters. */
bool locks_clear(void)
{
	return !write_file(LOCK_STAT, "0");
}

/* Parse the name of a class and its figures; false if the line is something else. */
static bool read_class(char *line, const char **name, double *values)
{
	char *colon = strrchr(line, ':'), *at, *end;
	double all[FIELDS];

	if (!colon)
		return false;
	*colon = '\0';
	*name = line + strspn(line, " ");
	at = colon + 1;
	for (int i = 0; i < FIELDS; i++, at = end) {
		all[i] = strtod(at, &end);
		if (end == at)
			return false;
	}
	for (int i = 0; i < COLUMNS; i++)
		values[i] = all[fields[i]];
	return true;
}

/* Names given by the macros that initialize the locks. */
static bool is_ours(const char *class)
{
	static const char * const prefixes[] = {
		"&region->", "&log->lock", "&item->lock", "mapdev_",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(class, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Print the locks taken since locks_clear(); no task may wait for a lock of mapdev. */
bool locks_table(const char *row, const char *memory_is)
{
	FILE *file = fopen(LOCK_STAT, "r");
	static char name[80];
	double values[COLUMNS];
	const char *class;
	bool none = true;
	char line[512];

	snprintf(name, sizeof(name), "%s, %s", row, memory_is);
	table_begin(name, "times", columns, COLUMNS);
	if (!file)
		return row_failed(LOCK_STAT);
	while (fgets(line, sizeof(line), file)) {
		if (!read_class(line, &class, values))
			continue;
		if (is_ours(class) && values[WAITED])
			none = false;
		if (is_ours(class) || values[MOVED] + values[WAITED] > CHANCE)
			table_row(class, values);
	}
	fclose(file);
	errno = EBUSY;
	return none || row_failed("lock of mapdev");
}
