// SPDX-License-Identifier: GPL-2.0
/*
 * The results: tables on stdout, JSON, and a store that finds a figure by
 * "TABLE/ROW/COLUMN".
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "bench.h"

#define NAME_WIDTH	38
#define MAX_COLUMNS	12

struct result {
	char *key;
	double value;
};

static struct result *results;
static size_t result_count;

static struct {
	const char *name;
	const char * const *columns;
	int count;
	bool begun;	/* has a row */
} table;

static FILE *json;
static bool json_goals;

static void first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "r");

	*line = '\0';
	if (!file)
		return;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

/* Print the machine, and start the JSON unless @path is NULL. */
bool results_open(const char *path)
{
	const char *unit = settings.instructions ? "instructions" :
			   settings.locks ? "times" : "ns";
	struct utsname kernel;
	char version[512];

	uname(&kernel);
	first_line("/proc/version", version, sizeof(version));
	printf("%s\n%zu MiB, least of %u, in %s\n", version,
	       settings.size >> 20, settings.repeats,
	       settings.instructions ? "instructions (virtual machine, counted)" :
	       settings.locks ? "times" :
	       "nanoseconds of real time, NOT instructions");
	if (!path)
		return true;
	json = fopen(path, "w");
	if (!json)
		return false;
	fprintf(json, "{\n  \"kernel\": \"%s\",\n  \"version\": \"%s\",\n"
		"  \"size\": %zu,\n  \"repeats\": %u,\n  \"unit\": \"%s\",\n"
		"  \"tables\": {", kernel.release, version, settings.size,
		settings.repeats, unit);
	return true;
}

/* End the table, or the list of goals. */
static void json_end(void)
{
	if (!json)
		return;
	if (json_goals)
		fprintf(json, "\n  ]");
	else if (table.name)
		fprintf(json, "\n    }\n  }");
	else
		fprintf(json, "}");
}

bool results_close(void)
{
	if (!json)
		return true;
	json_end();
	fprintf(json, "\n}\n");
	return !fclose(json);
}

/* @unit describes the unit of the figures. */
void table_begin(const char *name, const char *unit,
		 const char * const *columns, int count)
{
	if (count > MAX_COLUMNS)
		errx(1, "%s: too many columns", name);
	printf("\n%-*s", NAME_WIDTH, name);
	for (int i = 0; i < count; i++)
		printf(" %11s", columns[i]);
	printf("\n  (%s)\n", unit);
	if (json && table.name)
		fprintf(json, "\n    },");
	if (json)
		fprintf(json, "\n    \"%s\": {", name);
	table.name = name;
	table.columns = columns;
	table.count = count;
	table.begun = false;
}

static void keep(const char *row, const char *column, double value)
{
	struct result *more;

	more = realloc(results, (result_count + 1) * sizeof(*results));
	if (!more)
		err(1, "results");
	results = more;
	if (asprintf(&results[result_count].key, "%s/%s/%s", table.name, row,
		     column) < 0)
		err(1, "results");
	results[result_count++].value = value;
}

/* A value for each column, NAN where there is none. */
void table_row(const char *row, const double *values)
{
	const char *separator = "";

	printf("%-*s", NAME_WIDTH, row);
	for (int i = 0; i < table.count; i++) {
		if (isnan(values[i]))
			printf(" %11s", "");
		else
			printf(" %11.*f", fabs(values[i]) < 100 ? 2 : 0,
			       values[i]);
	}
	printf("\n");
	fflush(stdout);
	if (json)
		fprintf(json, "%s\n      \"%s\": {", table.begun ? "," : "", row);
	table.begun = true;
	for (int i = 0; i < table.count; i++) {
		if (isnan(values[i]))
			continue;
		keep(row, table.columns[i], values[i]);
		if (json)
			fprintf(json, "%s \"%s\": %.4f", separator,
				table.columns[i], values[i]);
		separator = ",";
	}
	if (json)
		fprintf(json, " }");
}

/* Always return false, for the caller to return. */
bool row_failed(const char *row)
{
	printf("%-*s %s\n", NAME_WIDTH, row, strerror(errno));
	fflush(stdout);
	return false;
}

double result_of(const char *key)
{
	for (size_t i = 0; i < result_count; i++)
		if (!strcmp(results[i].key, key))
			return results[i].value;
	return NAN;
}

void json_goal(const char *part, const char *what, double value, double limit)
{
	if (!json)
		return;
	if (!json_goals) {
		json_end();
		fprintf(json, ",\n  \"goals\": [");
	}
	fprintf(json, "%s\n    { \"part\": \"%s\", \"goal\": \"%s\",",
		json_goals ? "," : "", part, what);
	fprintf(json, " \"value\": %.4f, \"limit\": %.4f, \"met\": %s }",
		value, limit, value <= limit ? "true" : "false");
	json_goals = true;
}
