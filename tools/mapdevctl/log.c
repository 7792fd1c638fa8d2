// SPDX-License-Identifier: GPL-2.0
/* The counters of a region and its dirty log. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static void json_counters(FILE *file)
{
	unsigned long long value;
	const char *comma = "";
	char counter[64];

	putchar('{');
	while (fscanf(file, "%63s %llu", counter, &value) == 2) {
		printf("%s", comma);
		json_string(counter);
		printf(":%llu", value);
		comma = ",";
	}
	puts("}");
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length > tail && !strcmp(text + length - tail, end);
}

/* Counters by lock follow their sum, and are columns of its line. */
static void print_counters(FILE *file)
{
	unsigned long long value;
	char counter[64];

	printf("%-12s %12s %12s %12s", "COUNTER", "COUNT", "VMA LOCK", "MMAP LOCK");
	while (fscanf(file, "%63s %llu", counter, &value) == 2) {
		if (!ends_in(counter, "_vma_lock") && !ends_in(counter, "_mmap_lock"))
			printf("\n%-12s", counter);
		printf(" %12llu", value);
	}
	putchar('\n');
}

/* stat NAME */
void cmd_stat(const struct options *options)
{
	FILE *file;

	need_region(options->region);
	file = open_counters(options->region);
	if (options->json)
		json_counters(file);
	else
		print_counters(file);
	fclose(file);
}

/* The signal that requested termination, or 0. */
static atomic_int ended_by;

static void end_soon(int sig)
{
	ended_by = sig;
}

/*
 * The log no longer has what the kernel has returned, so print that before a
 * signal terminates the program. Without SIGPIPE, a closed pipe is an error of
 * the output, which not_delivered() handles.
 */
static void defer_signals(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (signal(ends[i], end_soon) == SIG_IGN)
			signal(ends[i], SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* What separates the next run from the output before it, in JSON. */
static const char *before = "[";

/* Complete the JSON even if the output ends early. */
static void end_output(const struct options *options, bool begun)
{
	if (options->json && begun)
		printf("%s]\n", *before == '[' ? before : "");
	fflush(stdout);
}

static void collect_failed(const struct options *options, bool begun)
{
	int error = errno;

	end_output(options, begun);
	errno = error;
	switch (error) {
	case EOPNOTSUPP:
		errx(EXIT_FAILED, "region %s has no dirty log: make it with dirty=1",
		     options->region);
	case EBUSY:
		errx(EXIT_FAILED, "region %s: another program is reading its log", options->region);
	default:
		err(EXIT_FAILED, "region %s", options->region);
	}
}

/* The output failed: print the runs that may be lost, and where the log continues. */
static void not_delivered(const struct mapdev_dirty *dirty, const struct mapdev_run *runs)
{
	warn("cannot write the output");
	if (dirty->count)
		warnx("removed from the log, and possibly not in the output:");
	for (__u32 i = 0; i < dirty->count; i++)
		fprintf(stderr, "%llu %llu\n", (unsigned long long)runs[i].offset,
			(unsigned long long)runs[i].length);
	if (dirty->length)
		warnx("still in the log: all from %llu on",
		      (unsigned long long)dirty->offset);
	exit(EXIT_FAILED);
}

static bool print_runs(const struct options *options, const struct mapdev_run *runs,
		       __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		unsigned long long offset = runs[i].offset, length = runs[i].length;

		if (options->json)
			printf("%s{\"offset\":%llu,\"length\":%llu}", before, offset,
			       length);
		else
			printf("%llu %llu\n", offset, length);
		before = ",";
	}
	return !fflush(stdout);
}

/*
 * dirty NAME: one run on each line, offset and length in bytes. This clears the
 * log, so it is not for a region that another program tracks.
 */
void cmd_dirty(const struct options *options)
{
	struct mapdev_run runs[256];
	/* Large enough for an answer, so that only fflush() writes. */
	static char output[ARRAY_SIZE(runs) * 80];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty), .length = UINT64_MAX,
		.runs = (uintptr_t)runs, .capacity = ARRAY_SIZE(runs),
	};
	int fd = open_node(options->region);
	bool begun = false;

	setvbuf(stdout, output, _IOFBF, sizeof(output));
	defer_signals();
	do {
		if (ended_by)
			break;
		if (ioctl(fd, MAPDEV_IOC_DIRTY, &dirty)) {
			if (errno == EINTR)
				continue;
			collect_failed(options, begun);
		}
		begun = true;
		if (!print_runs(options, runs, dirty.count))
			not_delivered(&dirty, runs);
	} while (dirty.length);
	end_output(options, begun);
	close(fd);
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
}
