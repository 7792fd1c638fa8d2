// SPDX-License-Identifier: GPL-2.0
/* Files in sysfs and procfs, and properties of the running kernel. */
#include "region.h"

/* Write a string into a file; 0 or -errno. */
int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Read a file's first line; "" if there is none. */
const char *read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	line[0] = '\0';
	if (!file)
		return line;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return line;
}

long page;

static __attribute__((constructor)) void page_init(void)
{
	page = sysconf(_SC_PAGESIZE);
}

unsigned long pmd_size(void)
{
	static const char path[] =
		"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
	static unsigned long size;
	char line[32];

	if (!size)
		size = strtoul(read_line(path, line, sizeof(line)), NULL, 10) ?:
		       NO_PMD;
	return size;
}

bool no_huge_pages(void)
{
	return pmd_size() == NO_PMD;
}

/* A kernel without huge pages refuses advice about them. */
bool is_no_advice(int advice)
{
	return no_huge_pages() &&
	       (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
		advice == MADV_COLLAPSE);
}

/* How many entries a directory has. */
int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

bool on_linux_7_2(void)
{
	struct utsname name;

	return !uname(&name) && !strncmp(name.release, "7.2.", 4);
}

/*
 * Is what is repeated for its own sake repeated at length? STRESS=full or short in
 * the environment says so; else not on the debug kernel, on which all takes ten
 * times as long.
 */
bool at_length(void)
{
	const char *stress = getenv("STRESS");

	if (stress)
		return !strcmp(stress, "full");
	return !!access("/sys/kernel/debug/kmemleak", F_OK);
}
