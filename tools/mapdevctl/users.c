// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps the module loaded: rmmod(8) is refused before the module is asked, so
 * nothing else can say why. Processes are found as fuser(1) does, by the device
 * number of their open files and mappings.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mapdevctl.h"

static void begin_row(const char *region)
{
	printf("%-16s ", region);
}

/* The major number of all nodes, or 0. */
static unsigned int nodes_major(void)
{
	unsigned int number, found = 0;
	char line[128], name[64];
	FILE *file = fopen("/proc/devices", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%u %63s", &number, name) == 2 &&
		    !strcmp(name, "mapdev"))
			found = number;
	if (file)
		fclose(file);
	return found;
}

/* A retired region has a number, and no name. */
static const char *region_of(dev_t number)
{
	static char target[PATH_MAX];
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(number), minor(number));
	return realpath(path, target) ? strrchr(target, '/') + 1 : "(retired)";
}

/* How a process uses a region. */
struct use {
	dev_t number;
	bool open, mapped;
};

#define USES 64	/* more regions than this in one process are not shown */

static void add_use(struct use *uses, dev_t number, bool mapped)
{
	struct use *use = uses;

	while (use < uses + USES && use->number && use->number != number)
		use++;
	if (use == uses + USES)
		return;
	use->number = number;
	use->open |= !mapped;
	use->mapped |= mapped;
}

/* The entries of /proc/PID/fd or /proc/PID/map_files that are nodes. */
static void find_uses(struct use *uses, const char *pid, const char *what,
		      unsigned int major_number)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &st, 0) &&
		    S_ISCHR(st.st_mode) && major(st.st_rdev) == major_number)
			add_use(uses, st.st_rdev, what[0] == 'm');
	if (dir)
		closedir(dir);
}

static void show_use(const char *region, const char *pid, const char *name,
		     const struct use *use)
{
	begin_row(region);
	printf("process %s (%s): %s%s%s\n", pid, name, use->open ? "open" : "",
	       use->open && use->mapped ? ", " : "", use->mapped ? "mapped" : "");
}

static void show_process(const char *pid, unsigned int major_number, const char *only)
{
	struct use uses[USES] = { };
	char path[PATH_MAX], name[64] = "";
	FILE *file;

	find_uses(uses, pid, "fd", major_number);
	find_uses(uses, pid, "map_files", major_number);
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = uses[0].number ? fopen(path, "re") : NULL;
	if (file) {
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	for (struct use *use = uses; use < uses + USES && use->number; use++) {
		const char *region = region_of(use->number);

		if (!only || !strcmp(only, region))
			show_use(region, pid, name, use);
	}
}

static int is_process(const struct dirent *entry)
{
	return isdigit((unsigned char)entry->d_name[0]);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void show_directories(const char *only)
{
	struct dirent **entries;
	int n = scandir(CONFIG_DIR, &entries, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char path[PATH_MAX];

		if (only && strcmp(only, name))
			continue;
		snprintf(path, sizeof(path), CLASS_DIR "/%s", name);
		begin_row(name);
		printf("directory in configfs%s\n", access(path, F_OK) ? ", not live" : "");
	}
}

static void show_modules(void)
{
	struct dirent **entries;
	int n = scandir("/sys/module/mapdev/holders", &entries, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		begin_row("-");
		printf("module %s\n", entries[i]->d_name);
	}
}

/* users [NAME] */
void cmd_users(const struct options *options)
{
	unsigned int major_number = nodes_major();
	struct dirent **entries;
	int n;

	if (!major_number)
		errx(EXIT_FAILED, "mapdev is not loaded");
	if (geteuid())
		warnx("only your own processes are shown: need root for the others");
	begin_row("REGION");
	puts("USED BY");
	n = scandir("/proc", &entries, is_process, versionsort);
	for (int i = 0; i < n; i++)
		show_process(entries[i]->d_name, major_number, options->region);
	show_directories(options->region);
	if (!options->region)
		show_modules();
}
