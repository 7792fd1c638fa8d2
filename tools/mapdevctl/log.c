// SPDX-License-Identifier: GPL-2.0
/* What a region has counted. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
