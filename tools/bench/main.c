// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of mapping memory: mapdev and its alternatives.
 *
 *   bench [--json FILE] [--size MIB] [--repeat N] [--instructions]
 *         [--table NAME] [--threads N] [--locks] [--lines]
 *         [ROW...]
 *
 * Run as root with mapdev and mapdev_pci loaded. ROW selects rows by a substring of
 * their names. --instructions: the clock of this machine counts instructions. --table
 * selects a table, and can be repeated. --threads measures only the contention of faults
 * of up to N threads and processes; with --locks, the locks they take; with --lines, for
 * lines.c, the cache lines they share.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct settings settings = { .size = 64 * MIB, .repeats = 3, .threads = 2 };

bool wanted(const char *name)
{
	char **row = settings.rows;

	if (!*row)
		return true;
	for (; *row; row++)
		if (strstr(name, *row))
			return true;
	return false;
}

static struct bench {
	const char *name;
	bool (*run)(void);
	bool chosen;
} tables[] = {
	/* Must run first, before freed memory can be reused. */
	{ .name = "bytes", .run = bench_bytes },
	{ .name = "map", .run = bench_map },
	{ .name = "shape", .run = bench_shape },
	{ .name = "copy", .run = bench_copy },
	{ .name = "dirty", .run = bench_dirty },
	{ .name = "scale", .run = bench_scale },
	{ .name = "threads", .run = bench_threads },
};

static void choose(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (strcmp(tables[i].name, name))
			continue;
		tables[i].chosen = true;
		settings.some = true;
		return;
	}
	errx(2, "there is no table %s", name);
}

static unsigned long positive(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!value || *end)
		errx(2, "%s is not a number above 0", text);
	return value;
}

/* Return the path for the JSON, or NULL. */
static const char *read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "size", required_argument, NULL, 's' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "table", required_argument, NULL, 'b' },
		{ "threads", required_argument, NULL, 't' },
		{ "instructions", no_argument, NULL, 'i' },
		{ "locks", no_argument, NULL, 'l' },
		{ "lines", no_argument, NULL, 'c' },
		{ }
	};
	const char *json = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = optarg;
			break;
		case 's':
			settings.size = positive(optarg) * MIB;
			break;
		case 'r':
			settings.repeats = positive(optarg);
			break;
		case 'b':
			choose(optarg);
			break;
		case 't':
			settings.threads = positive(optarg);
			choose("threads");
			break;
		case 'i':
			settings.instructions = true;
			break;
		case 'l':
			settings.locks = true;
			break;
		case 'c':
			settings.lines = true;
			break;
		default:
			exit(2);
		}
	}
	if (settings.size % HUGE_SIZE)
		errx(2, "the size is not a multiple of 2 MiB");
	settings.rows = argv + optind;
	return json;
}

int main(int argc, char **argv)
{
	const char *json = read_options(argc, argv);
	bool done = true;

	if (!results_open(json))
		err(1, "%s", json);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i].chosen || !settings.some)
			done &= tables[i].run();
	if (settings.instructions)
		judge_goals();
	if (!results_close())
		err(1, "%s", json);
	return !done;
}
