// SPDX-License-Identifier: GPL-2.0
/* Many small objects, by number: regions, or memfds. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

static int fds[MOST_OBJECTS];

/* Create one page: a region with these attributes, or a memfd if NULL; false with errno. */
bool make_object(const char *attributes, int number)
{
	const struct rlimit files = { MOST_OBJECTS + 100, MOST_OBJECTS + 100 };
	char name[32];

	if (attributes) {
		snprintf(name, sizeof(name), REGION "-%d", number);
		return !make_region(name, STEP, attributes);
	}
	if (!number && setrlimit(RLIMIT_NOFILE, &files))
		return false;
	fds[number] = sized_memfd(STEP, 0);
	return fds[number] >= 0;
}

void end_object(bool region, int number)
{
	char name[32];

	snprintf(name, sizeof(name), REGION "-%d", number);
	if (region)
		end_region(name);
	else if (fds[number] >= 0)
		close(fds[number]);
}
