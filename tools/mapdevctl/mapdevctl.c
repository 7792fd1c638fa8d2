// SPDX-License-Identifier: GPL-2.0
/*
 * mapdevctl: the regions of mapdev from the command line.
 *
 * Everything shown comes from /sys/class/mapdev, which has one directory for each
 * region and one file for each attribute. A new attribute is a line in
 * attributes[], a new command a function and a line in commands[]. Commands that
 * change a region are in change.c, the others in files of their own.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/mapdev.h>

#include "mapdevctl.h"

#define VERSION		"0.1"

enum kind { WORD, NUMBER, BYTES };

static const struct attribute {
	const char *name;
	enum kind kind;
	const char *column;	/* heading in "list", or NULL */
} attributes[] = {
	{ "size",	 BYTES,	 "SIZE" },
	{ "backing",	 WORD,	 "BACKING" },
	{ "granule",	 BYTES,	 "GRANULE" },
	{ "max_granule", BYTES,	 NULL },
	{ "map",	 WORD,	 "MAP" },
	{ "pin",	 NUMBER, NULL },
	{ "dma32",	 NUMBER, NULL },
	{ "ro",		 NUMBER, "RO" },
	{ "numa_node",	 NUMBER, NULL },
	{ "state",	 WORD,	 "STATE" },
	{ "revoked",	 NUMBER, NULL },
	{ "mappings",	 NUMBER, "MAPPINGS" },
	{ "phys_addr",	 WORD,	 NULL },
	{ "cache",	 WORD,	 NULL },
	{ "phys",	 WORD,	 NULL },
	{ "dirty",	 NUMBER, NULL },
	{ "dirty_pending", NUMBER, NULL },
};

/*
 * Read an attribute, which is one word. Return false with errno EACCES if only root
 * may read it, or ENODEV if the region does not have it, or was just retired.
 */
bool read_attribute(const char *region, const char *name, char value[128])
{
	char path[PATH_MAX];
	FILE *file;
	int got;

	snprintf(path, sizeof(path), CLASS_DIR "/%s/%s", region, name);
	file = fopen(path, "re");
	if (!file) {
		if (errno == ENOENT)
			errno = ENODEV;
		if (errno != ENODEV && errno != EACCES)
			err(EXIT_FAILED, "%s", path);
		return false;
	}
	got = fscanf(file, "%127s", value);
	fclose(file);
	errno = ENODEV;
	return got == 1;
}

/*
 * Is /dev/mapdev/NAME the node of the region? Return false with errno EEXIST if it
 * is something else, or with the error of looking at it. The kernel creates no node
 * if the path exists, and reports no error.
 */
bool has_node(const char *region)
{
	char path[PATH_MAX], number[128];
	unsigned int first, second;
	struct stat st;

	if (!read_attribute(region, "dev", number) ||
	    sscanf(number, "%u:%u", &first, &second) != 2)
		return false;
	snprintf(path, sizeof(path), NODE_DIR "/%s", region);
	if (lstat(path, &st))
		return false;
	if (!stat(path, &st) && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(first, second))
		return true;
	errno = EEXIST;
	return false;
}

/* A node that this user cannot see, or of a region just retired, is not missing. */
static bool lacks_node(const char *region)
{
	return !has_node(region) && errno != EACCES && errno != ENODEV;
}

static int is_region(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The names of all regions, sorted. */
int find_regions(struct dirent ***regions)
{
	int n = scandir(CLASS_DIR, regions, is_region, alphasort);

	if (n < 0 && errno == ENOENT)
		errx(EXIT_FAILED, "no mapdev class in sysfs: load the module with modprobe mapdev");
	if (n < 0)
		err(EXIT_FAILED, CLASS_DIR);
	return n;
}

/* Format for people: sizes are exact, in the form that regions= accepts (64M, 1536K). */
static const char *human(const struct attribute *a, const char *value)
{
	static char size[32];
	char *end;
	unsigned long long number = strtoull(value, &end, 10);
	const char *unit = "", *next = "KMG";

	if (a->kind != BYTES || end == value || *end)
		return value;
	for (; *next && number && number % 1024 == 0; number /= 1024)
		unit = next++;
	snprintf(size, sizeof(size), "%llu%.1s", number, unit);
	return size;
}

/* Print bytes outside printable ASCII as \u00XX, so that the result is always JSON. */
void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* JSON numbers are decimal, without a plus sign and without leading zeros. */
static bool is_json_number(const char *s)
{
	s += *s == '-';
	return *s && s[strspn(s, "0123456789")] == '\0' && (*s != '0' || !s[1]);
}

static void json_region(const char *region)
{
	char value[128];

	printf("{\"name\":");
	json_string(region);
	printf(",\"node\":");
	snprintf(value, sizeof(value), NODE_DIR "/%.*s", MAPDEV_NAME_MAX, region);
	if (lacks_node(region))
		printf("null");
	else
		json_string(value);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct attribute *a = &attributes[i];

		if (!read_attribute(region, a->name, value))
			continue;
		printf(",\"%s\":", a->name);
		if (a->kind != WORD && is_json_number(value))
			printf("%s", value);
		else
			json_string(value);
	}
	putchar('}');
}

static void list(const struct options *options)
{
	struct dirent **regions;
	int n = find_regions(&regions);
	size_t width = strlen("NAME");

	if (options->json) {
		putchar('[');
		for (int i = 0; i < n; i++) {
			printf("%s\n ", i ? "," : "");
			json_region(regions[i]->d_name);
		}
		printf("%s]\n", n ? "\n" : "");
		return;
	}

	for (int r = 0; r < n; r++)
		if (width < strlen(regions[r]->d_name))
			width = strlen(regions[r]->d_name);
	printf("%-*s", (int)width, "NAME");
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (attributes[i].column)
			printf(" %8s", attributes[i].column);
	putchar('\n');
	for (int r = 0; r < n; r++) {
		printf("%-*s", (int)width, regions[r]->d_name);
		for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
			const struct attribute *a = &attributes[i];
			char value[128] = "-";

			if (!a->column)
				continue;
			read_attribute(regions[r]->d_name, a->name, value);
			printf(" %8s", human(a, value));
		}
		puts(lacks_node(regions[r]->d_name) ? "  no node" : "");
	}
}

/* Compare with existing names: "../x" or "" must not reach other files of sysfs. */
void need_region(const char *name)
{
	struct dirent **regions;
	int n = find_regions(&regions);

	for (int r = 0; r < n; r++)
		if (!strcmp(regions[r]->d_name, name))
			return;
	errx(EXIT_FAILED, "no region named %s; mapdevctl list shows them", name);
}

static void show(const struct options *options)
{
	need_region(options->region);
	if (options->json) {
		json_region(options->region);
		putchar('\n');
		return;
	}

	printf("%-12s %s\n", "name", options->region);
	if (lacks_node(options->region))
		printf("%-12s -\n", "node");
	else
		printf("%-12s " NODE_DIR "/%s\n", "node", options->region);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct attribute *a = &attributes[i];
		char value[128] = "-";

		if (!read_attribute(options->region, a->name, value) &&
		    errno != EACCES)
			continue;
		printf("%-12s %s", a->name, human(a, value));
		if (a->kind == BYTES)
			printf(" (%s bytes)", value);
		putchar('\n');
	}
}

static const struct command {
	const char *name;
	const char *usage;	/* arguments; the first is the region */
	int min, max;		/* number of arguments, with the region */
	void (*run)(const struct options *options);
	const char *help;
} commands[] = {
	{ "create", "NAME SIZE [ATTRIBUTE=VALUE]...", 2, INT_MAX, cmd_create, "create a region" },
	{ "destroy", "NAME", 1, 1, cmd_destroy, "retire a region made by create" },
	{ "list", "", 0, 0, list, "print one line for each region" },
	{ "show", "NAME", 1, 1, show, "print all attributes of a region" },
	{ "stat", "NAME", 1, 1, cmd_stat, "print its counters" },
	{ "watch", "[NAME]", 0, 1, cmd_watch, "print what changes, as it happens" },
	{ "users", "[NAME]", 0, 1, cmd_users, "print what keeps the module loaded" },
	{ "dirty", "NAME", 1, 1, cmd_dirty, "read and clear the dirty log (dirty=1)" },
	{ "revoke", "NAME", 1, 1, cmd_revoke, "make a touch of any mapping raise SIGBUS" },
	{ "restore", "NAME", 1, 1, cmd_restore, "let mappings work again" },
	{ "resize", "NAME SIZE", 2, 2, cmd_resize, "change the size (paged)" },
	{ "discard", "NAME OFFSET LENGTH", 3, 3, cmd_discard, "free a range (paged)" },
};

static void print_help(void)
{
	puts("usage: mapdevctl COMMAND [--json]\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int used = printf("  %s %s", commands[i].name, commands[i].usage);

		printf("%*s  %s\n", used < 42 ? 42 - used : 0, "", commands[i].help);
	}
	puts("\n  --json     list, show, stat and dirty print JSON, with sizes in bytes\n"
	     "  --help     this text\n"
	     "  --version  the version of mapdevctl\n\n"
	     "Exit status: 0 done, 1 failed, 2 wrong usage.");
}

static int usage_error(const char *what, const char *which)
{
	warnx("%s%s", what, which);
	fprintf(stderr, "Try mapdevctl --help.\n");
	return EXIT_USAGE;
}

/* If an output is closed, no file opened later may get its number. */
static void keep_outputs(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err(EXIT_FAILED, "/dev/null");
	} while (fd <= STDERR_FILENO);
	close(fd);
}

static int finish(void)
{
	if (ferror(stdout) || fflush(stdout))
		err(EXIT_FAILED, "cannot write the output");
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json",    no_argument, NULL, 'j' },
		{ "help",    no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	struct options options = { };
	const struct command *command;
	int option;

	keep_outputs();
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case 'j':
			options.json = true;
			break;
		case 'h':
			print_help();
			return finish();
		case 'V':
			puts("mapdevctl " VERSION);
			return finish();
		default:
			return usage_error("unknown option", "");
		}
	}
	argc -= optind;
	argv += optind;
	if (!argc)
		return usage_error("no command given", "");

	for (command = commands; command < commands + ARRAY_SIZE(commands); command++)
		if (!strcmp(command->name, argv[0]))
			break;
	if (command == commands + ARRAY_SIZE(commands))
		return usage_error("no command named ", argv[0]);
	if (argc - 1 < command->min || argc - 1 > command->max) {
		warnx("usage: mapdevctl %s %s", command->name, command->usage);
		fprintf(stderr, "Try mapdevctl --help.\n");
		return EXIT_USAGE;
	}
	options.region = argc > 1 ? argv[1] : NULL;
	if (argc > 2) {
		options.args = argv + 2;
		options.nargs = argc - 2;
	}
	command->run(&options);
	return finish();
}
