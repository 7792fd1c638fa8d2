// SPDX-License-Identifier: GPL-2.0
/* Files of the kernel: settings, counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define THP	"/sys/kernel/mm/transparent_hugepage/"

int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -1 : 0;
}

int write_number(const char *path, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	return write_file(path, text);
}

/* The value of a field of /proc/vmstat, /proc/meminfo or a similar file. */
long long read_field(const char *path, const char *field)
{
	FILE *file = fopen(path, "r");
	long long value = -1;
	char line[256];

	if (!file)
		return -1;
	errno = ENOENT;
	while (fgets(line, sizeof(line), file)) {
		size_t length = strcspn(line, ": ");

		if (length != strlen(field) || strncmp(line, field, length))
			continue;
		value = strtoll(line + length + 1, NULL, 10);
		break;
	}
	fclose(file);
	return value;
}

/* Set a THP knob, and return its old value in @old. */
int turn_knob(const char *knob, const char *value, char *old, size_t room)
{
	char path[128], line[128] = "", *on;
	FILE *file;

	snprintf(path, sizeof(path), THP "%s", knob);
	file = fopen(path, "r");
	if (!file)
		return -1;
	/* The current value is in brackets. */
	if (fgets(line, sizeof(line), file)) {
		on = strchrnul(line, '[');
		snprintf(old, room, "%.*s", (int)strcspn(on, "]") - !!*on,
			 on + !!*on);
	}
	fclose(file);
	return write_file(path, value);
}

bool reserve_huge_pages(size_t size)
{
	static const char path[] = "/proc/sys/vm/nr_hugepages";
	long long got;

	if (write_number(path, size / HUGE_SIZE))
		return false;
	got = read_field("/proc/meminfo", "HugePages_Total");
	errno = ENOMEM;
	return got >= (long long)(size / HUGE_SIZE);
}
