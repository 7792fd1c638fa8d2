/* SPDX-License-Identifier: GPL-2.0 */
/* Commands as a person types them, mapdevctl among them. */
#ifndef _MAPDEV_SELFTESTS_COMMAND_H
#define _MAPDEV_SELFTESTS_COMMAND_H

#include <libgen.h>
#include <limits.h>

#include "region.h"

/* The tool is beside the module: kmod/drivers/mapdev/mapdev.ko, tools/. */
static inline void find_tool(void)
{
	char path[PATH_MAX + 64], build[PATH_MAX];

	snprintf(build, sizeof(build), "%s", getenv("MAPDEV_KO") ?: "");
	for (int i = 0; i < 4; i++)
		dirname(build);
	snprintf(path, sizeof(path), "%s/tools:%s", build, getenv("PATH"));
	setenv("PATH", path, 1);
}

/* Run a command; its exit status, and what it printed on both outputs. */
static inline int run(const char *command, char *output, size_t size)
{
	char *line = NULL;
	FILE *pipe;
	size_t got;
	int status;

	if (asprintf(&line, "%s 2>&1", command) < 0)
		return -1;
	pipe = popen(line, "r");
	free(line);
	got = fread(output, 1, size - 1, pipe);
	output[got] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif /* _MAPDEV_SELFTESTS_COMMAND_H */
