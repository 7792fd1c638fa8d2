// SPDX-License-Identifier: GPL-2.0
/*
 * What changes, as it happens. It only reads: the dirty log is counted by the
 * kernel, not collected.
 */
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mapdevctl.h"

#define TICK	1000	/* ms between two looks, unless a state changes */

struct values {
	char state[16], mappings[128], rate[24], pending[128];
};

/**
 * struct watched - a region
 * @name: of the region
 * @state: its state in sysfs, for poll(2)
 * @shown: what was printed last
 * @faults: the counter, at @since
 * @since: in ms
 * @seen: it still exists
 */
struct watched {
	char name[128];
	int state;
	struct values shown;
	unsigned long long faults;
	long long since;
	bool seen;
};

static struct watched *all;
static size_t count;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Faults of any size since the region was made; false without permission. */
static bool read_faults(const char *region, unsigned long long *faults)
{
	char path[PATH_MAX], counter[64];
	unsigned long long value;
	FILE *file;

	snprintf(path, sizeof(path), DEBUG_DIR "/%s", region);
	file = fopen(path, "re");
	if (!file)
		return false;
	*faults = 0;
	while (fscanf(file, "%63s %llu", counter, &value) == 2)
		if (!strcmp(counter, "fault") || !strcmp(counter, "huge_fault"))
			*faults += value;
	fclose(file);
	return true;
}

static void read_or_hyphen(const char *region, const char *name, char value[128])
{
	if (!read_attribute(region, name, value))
		strcpy(value, "-");
}

/* Faults a second, over a tick at least. */
static void read_rate(struct watched *region, char *text, size_t size)
{
	unsigned long long faults;
	long long time = now();

	if (!read_faults(region->name, &faults)) {
		snprintf(text, size, "-");
		return;
	}
	if (region->since && time - region->since < TICK)
		return;
	if (!region->since)
		region->faults = faults;
	snprintf(text, size, "%llu",
		 (faults - region->faults) * 1000 / (time - region->since));
	region->faults = faults;
	region->since = time;
}

static void print_row(const char *name, const struct values *values)
{
	time_t seconds = time(NULL);
	char clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&seconds));
	printf("%s  %-16s %8s %8s %10s %10s\n", clock, name, values->state,
	       values->mappings, values->rate, values->pending);
}

static void look(struct watched *region)
{
	struct values values = region->shown;
	char state[16] = "";
	ssize_t got = pread(region->state, state, sizeof(state) - 1, 0);

	/* It was retired: another of the same name is another region. */
	if (got <= 0)
		return;
	region->seen = true;
	state[strcspn(state, "\n")] = '\0';
	memcpy(values.state, state, sizeof(state));
	read_or_hyphen(region->name, "mappings", values.mappings);
	read_or_hyphen(region->name, "dirty_pending", values.pending);
	read_rate(region, values.rate, sizeof(values.rate));
	if (!memcmp(&values, &region->shown, sizeof(values)))
		return;
	region->shown = values;
	print_row(region->name, &values);
}

static bool is_watched(const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(all[i].name, name))
			return true;
	return false;
}

static void begin(const char *name)
{
	char path[PATH_MAX];
	int state;

	snprintf(path, sizeof(path), CLASS_DIR "/%s/state", name);
	state = open(path, O_RDONLY | O_CLOEXEC);
	if (state < 0)
		return;
	all = realloc(all, (count + 1) * sizeof(*all));
	if (!all)
		err(EXIT_FAILED, NULL);
	all[count] = (struct watched) { .state = state };
	snprintf(all[count].name, sizeof(all[count].name), "%s", name);
	count++;
}

static void begin_new(const char *only)
{
	struct dirent **regions;
	int n = find_regions(&regions);

	for (int i = 0; i < n; i++) {
		const char *name = regions[i]->d_name;

		if ((!only || !strcmp(only, name)) && !is_watched(name))
			begin(name);
		free(regions[i]);
	}
	free(regions);
}

static void end_old(void)
{
	static const struct values gone = { "gone", "-", "-", "-" };

	for (size_t i = 0; i < count;) {
		if (all[i].seen) {
			i++;
			continue;
		}
		print_row(all[i].name, &gone);
		close(all[i].state);
		all[i] = all[--count];
	}
}

/* Until a state changes, or the next tick. */
static void wait_change(void)
{
	struct pollfd *fds = calloc(count + 1, sizeof(*fds));

	if (!fds)
		err(EXIT_FAILED, NULL);
	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd) { .fd = all[i].state, .events = POLLPRI };
	poll(fds, count, TICK);
	free(fds);
}

/* watch [NAME] */
void cmd_watch(const struct options *options)
{
	const char *only = options->region;

	if (only)
		need_region(only);
	setlinebuf(stdout);
	printf("%-8s  %-16s %8s %8s %10s %10s\n", "TIME", "REGION", "STATE", "MAPPINGS",
	       "FAULTS/S", "DIRTY");
	do {
		begin_new(only);
		for (size_t i = 0; i < count; i++) {
			all[i].seen = false;
			look(&all[i]);
		}
		end_old();
		if (!ferror(stdout))
			wait_change();
	} while (!ferror(stdout) && (count || !only));
}
