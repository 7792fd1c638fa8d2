// SPDX-License-Identifier: GPL-2.0
/* Regions of mapdev, created through configfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define CONFIGFS	"/sys/kernel/config/mapdev/"

static int set_attribute(const char *name, const char *attribute,
			 const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), CONFIGFS "%s/%s", name, attribute);
	return write_file(path, value);
}

/* @attributes are "name=value", separated by spaces. */
int make_region(const char *name, size_t size, const char *attributes)
{
	char list[160], path[128], bytes[24], *rest = list, *item;

	snprintf(list, sizeof(list), "%s", attributes);
	snprintf(bytes, sizeof(bytes), "%zu", size);
	snprintf(path, sizeof(path), CONFIGFS "%s", name);
	if (mkdir(path, 0755) || set_attribute(name, "size", bytes))
		return -1;
	while ((item = strsep(&rest, " "))) {
		char *attribute = strsep(&item, "=");

		if (set_attribute(name, attribute, item))
			return -1;
	}
	return set_attribute(name, "live", "1");
}

int open_region(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/mapdev/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

int create_region(const struct memory *memory, struct object *object)
{
	if (make_region(REGION, object->size, memory->arg))
		return -1;
	object->fd = open_region(REGION);
	return object->fd < 0 ? -1 : 0;
}

void end_region(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "%s", name);
	rmdir(path);
}

void destroy_region(void)
{
	end_region(REGION);
}
