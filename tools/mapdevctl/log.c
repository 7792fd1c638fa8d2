// SPDX-License-Identifier: GPL-2.0
/* What a region has counted, and what was written to it. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/mapdev.h>

#include "mapdevctl.h"

static FILE *open_counters(const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), DEBUG_DIR "/%s", name);
	file = fopen(path, "re");
	if (file)
		return file;
	if (errno == EACCES || errno == EPERM)
		errx(EXIT_FAILED, "need root: %s", strerror(errno));
	if (errno == ENOENT && access(DEBUG_DIR, F_OK))
		errx(EXIT_FAILED, "no " DEBUG_DIR ": mount -t debugfs none " DEBUG_ROOT
		     ", if this kernel has debugfs");
	err(EXIT_FAILED, "%s", path);
}

/* stat NAME: the counters, which are for developers. */
void cmd_stat(const struct options *options)
{
	unsigned long long value;
	const char *comma = "";
	char counter[64];
	FILE *file;

	need_region(options->region);
	file = open_counters(options->region);
	if (options->json)
		putchar('{');
	while (fscanf(file, "%63s %llu", counter, &value) == 2) {
		if (!options->json) {
			printf("%-20s %llu\n", counter, value);
			continue;
		}
		printf("%s", comma);
		json_string(counter);
		printf(":%llu", value);
		comma = ",";
	}
	if (options->json)
		puts("}");
	fclose(file);
}

static void collect_failed(const char *name)
{
	switch (errno) {
	case EOPNOTSUPP:
		errx(EXIT_FAILED, "region %s has no dirty log: make it with dirty=1", name);
	case EBUSY:
		errx(EXIT_FAILED, "region %s: another program is asking", name);
	default:
		err(EXIT_FAILED, "region %s", name);
	}
}

/*
 * dirty NAME: one run on each line, offset and length in bytes. Who asks takes it
 * out of the log: it is not for a region that another program follows.
 */
void cmd_dirty(const struct options *options)
{
	struct mapdev_run runs[256];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty), .length = UINT64_MAX,
		.runs = (uintptr_t)runs, .capacity = ARRAY_SIZE(runs),
	};
	const char *comma = "";
	int fd = open_node(options->region);

	if (options->json)
		putchar('[');
	do {
		if (ioctl(fd, MAPDEV_IOC_DIRTY, &dirty))
			collect_failed(options->region);
		for (__u32 i = 0; i < dirty.count; i++) {
			unsigned long long offset = runs[i].offset;
			unsigned long long length = runs[i].length;

			if (options->json)
				printf("%s{\"offset\":%llu,\"length\":%llu}", comma, offset,
				       length);
			else
				printf("%llu %llu\n", offset, length);
			comma = ",";
		}
	} while (dirty.length);
	if (options->json)
		puts("]");
	close(fd);
}
