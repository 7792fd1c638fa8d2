// SPDX-License-Identifier: GPL-2.0
/* Run a command, and keep what it prints. */
#include "command.h"

/* The tool is beside the module: kmod/drivers/mapdev/mapdev.ko, tools/. */
void find_tool(void)
{
	char path[PATH_MAX + 64], build[PATH_MAX];

	snprintf(build, sizeof(build), "%s", getenv("MAPDEV_KO") ?: "");
	for (int i = 0; i < 4; i++)
		dirname(build);
	snprintf(path, sizeof(path), "%s/tools:%s", build, getenv("PATH"));
	setenv("PATH", path, 1);
}

/* Run a command; its exit status, and what it printed on both outputs. */
int run(const char *command, char *output, size_t size)
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
