// SPDX-License-Identifier: GPL-2.0
/*
 * The demo of mapdev: two processes share a region.
 *
 *   A  writes a file to the region with write(2)
 *   B  maps the region, and compares its SHA-256 with that of the file
 *   B  changes pages through the mapping
 *   A  reads the region back with read(2) and finds the changes of B and no others
 *
 * Each process opens the node itself; they share nothing but the region.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mapdev.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CHANGE_EVERY	16	/* B changes one page out of these */

/* Results of B, sent to A through a pipe. */
struct report {
	long read_pages, read_faults;
	long write_pages, write_faults;
	char flags[128];	/* VmFlags of the mapping */
};

static const char *node, *path;	/* the node of the region, and the file to write to it */
static size_t length;		/* of the file */
static size_t page_size;
char touched;			/* not static, so that the compiler keeps the reads */

static int open_or_die(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static void write_all(int fd, const void *from, size_t count, const char *name)
{
	const char *p = from;

	while (count) {
		ssize_t n = write(fd, p, count);

		if (n < 0)
			err(1, "write to %s", name);
		p += n;
		count -= n;
	}
}

static void read_all(int fd, void *to, size_t count, const char *name)
{
	char *p = to;

	while (count) {
		ssize_t n = read(fd, p, count);

		if (n < 0)
			err(1, "read from %s", name);
		if (!n)
			errx(1, "%s ended %zu bytes too early", name, count);
		p += n;
		count -= n;
	}
}

static struct mapdev_info region_info(int fd)
{
	struct mapdev_info info = { .size = sizeof(info) };

	if (ioctl(fd, MAPDEV_IOC_INFO, &info))
		err(1, "%s: MAPDEV_IOC_INFO", node);
	return info;
}

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/*
 * Compute the SHA-256 with coreutils, of the memory if it is not NULL, else of the
 * file. out has room for 64 digits and a NUL.
 */
static void sha256(const void *memory, size_t size, const char *file, char *out)
{
	int in[2], result[2], status;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(result, O_CLOEXEC))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		dup2(memory ? in[0] : open_or_die(file, O_RDONLY), STDIN_FILENO);
		dup2(result[1], STDOUT_FILENO);
		execlp("sha256sum", "sha256sum", NULL);
		err(1, "sha256sum");
	}
	close(in[0]);
	close(result[1]);
	if (memory)
		write_all(in[1], memory, size, "sha256sum");
	close(in[1]);
	read_all(result[0], out, 64, "sha256sum");
	out[64] = '\0';
	close(result[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "sha256sum failed");
}

/* Read the VmFlags of the mapping at address from /proc/self/smaps. */
static void vm_flags(const void *address, char flags[128])
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool inside = false;
	char line[512];

	if (!smaps)
		err(1, "/proc/self/smaps");
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= (unsigned long)address && (unsigned long)address < end;
		if (inside && sscanf(line, "VmFlags: %127[^\n]", flags) == 1) {
			flags[strlen(flags) - 1] = '\0';	/* a space */
			fclose(smaps);
			return;
		}
	}
	errx(1, "/proc/self/smaps shows no VmFlags (kernel without CONFIG_PROC_PAGE_MONITOR)");
}

/* The text that B writes to a page, and A expects there. */
static size_t change_text(size_t page, char *text, size_t size)
{
	return snprintf(text, size, "B was here: page %zu", page);
}

static bool is_changed(size_t page)
{
	return page % CHANGE_EVERY == 0;
}

/* Process B: map, compare, change. */
static struct report process_b(void)
{
	struct report report = { };
	int fd = open_or_die(node, O_RDWR);
	size_t pages = (length + page_size - 1) / page_size;
	char of_region[65], of_file[65];
	long before;
	char *map;

	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "%s: mmap", node);
	close(fd);	/* the mapping holds its own reference */

	touched = 0;	/* take its own page fault now, before counting */
	before = minor_faults();
	for (size_t i = 0; i < pages; i++)
		touched += map[i * page_size];
	report.read_faults = minor_faults() - before;
	report.read_pages = pages;
	printf("  B  maps %s and touches %zu pages: %ld page faults\n",
	       node, pages, report.read_faults);

	sha256(map, length, NULL, of_region);
	sha256(NULL, 0, path, of_file);
	printf("  B  SHA-256 of the mapping  %s\n", of_region);
	printf("  B  SHA-256 of the file     %s\n", of_file);
	if (strcmp(of_region, of_file))
		errx(1, "MISMATCH: mapping and file differ");
	printf("  B  the two are equal: verified\n");

	before = minor_faults();
	for (size_t i = 0; i < pages; i += CHANGE_EVERY) {
		char text[64];
		size_t size = change_text(i, text, sizeof(text));

		memcpy(map + i * page_size, text, MIN(size, length - i * page_size));
		report.write_pages++;
	}
	report.write_faults = minor_faults() - before;
	printf("  B  changes %ld pages through the mapping: %ld page faults\n",
	       report.write_pages, report.write_faults);

	vm_flags(map, report.flags);
	return report;
}

/* Process A, first half: write the file to the region. */
static void write_file(int fd)
{
	int from = open_or_die(path, O_RDONLY);
	static char buffer[1 << 16];
	size_t left = length;

	while (left) {
		size_t n = MIN(left, sizeof(buffer));

		read_all(from, buffer, n, path);
		write_all(fd, buffer, n, node);
		left -= n;
	}
	close(from);
	printf("  A  writes %s, %zu bytes, into %s with write(2)\n", path, length, node);
}

/* Process A, second half: find the changes of B in the region, and no others. */
static void read_back(int fd)
{
	int from = open_or_die(path, O_RDONLY);
	char *expected = malloc(page_size), *found = malloc(page_size);

	if (!expected || !found)
		errx(1, "out of memory");
	if (lseek(fd, 0, SEEK_SET))
		err(1, "%s: lseek", node);
	for (size_t done = 0; done < length; done += page_size) {
		size_t n = MIN(length - done, page_size);
		size_t page = done / page_size;

		read_all(from, expected, n, path);
		read_all(fd, found, n, node);
		if (is_changed(page)) {
			char text[64];
			size_t size = change_text(page, text, sizeof(text));

			memcpy(expected, text, MIN(size, n));
		}
		if (memcmp(expected, found, n))
			errx(1, "MISMATCH: page %zu: read(2) does not return what %s wrote", page,
			     is_changed(page) ? "B" : "A");
	}
	close(from);
	free(expected);
	free(found);
	printf("  A  reads it back with read(2): finds the changes of B and no others: verified\n");
}

/* A row of the final table: subject, whether it was compared, result. */
#define ROW		"  %-9s  %-8s  "

static bool has_flag(const char *flags, const char *flag)
{
	const char *p = strstr(flags, flag);

	return p && (!p[2] || p[2] == ' ');
}

static void explain_flags(const char *flags)
{
	static const char * const words[] = {
		"rd readable", "wr writable", "ex executable", "sh shared",
		"mr may be made readable", "mw may be made writable",
		"me may be made executable", "ms may be made shared",
		"io device memory", "pf page frames", "mm mixed map", "de cannot grow",
		"dd left out of core dumps", "lo locked", "hg huge pages wanted",
		"sd soft-dirty: new, or written since last cleared",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char flag[3] = { words[i][0], words[i][1], '\0' };

		if (has_flag(flags, flag))
			printf(ROW "  %s\n", "", "", words[i]);
	}
}

/* The demo uses a paged region; other backings are mapped in other ways. */
static void explain_technique(const struct mapdev_info *info)
{
	if (info->backing != MAPDEV_PAGED) {
		printf(ROW "not known to this demo\n", "technique", "");
		return;
	}
	printf(ROW "page faults, served from the page cache of the region\n", "technique", "");
	printf(ROW "  vm_ops->map_pages: a read fault maps pages around it\n", "", "");
	printf(ROW "  vm_ops->fault: a first touch allocates one granule\n", "", "");
}

static void table(const struct mapdev_info *info, const struct report *b)
{
	static const char * const special[] = { "ex", "me", "io", "pf", "mm", "de" };
	bool ordinary = has_flag(b->flags, "sh");

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (has_flag(b->flags, special[i]))
			ordinary = false;
	if (!ordinary)
		errx(1, "MISMATCH: VmFlags \"%s\" are not those of shared RAM", b->flags);

	printf("\n" ROW "%s, %llu MiB, granule %llu KiB\n", "mapped", "", node,
	       (unsigned long long)info->length >> 20, (unsigned long long)info->granule >> 10);
	explain_technique(info);
	printf(ROW "the mapping of B holds the file that A wrote (SHA-256)\n",
	       "contents", "verified");
	printf(ROW "A reads the %ld pages that B changed, and no other change\n",
	       "changes", "verified", b->write_pages);
	printf(ROW "%ld to read %ld pages, %.1f pages each\n", "faults", "", b->read_faults,
	       b->read_pages, (double)b->read_pages / (b->read_faults ?: 1));
	printf(ROW "%ld to change %ld of them\n", "", "", b->write_faults, b->write_pages);
	printf(ROW "%s: shared RAM, never executable\n", "VmFlags", "verified", b->flags);
	explain_flags(b->flags);
	printf("\n  \"verified\" marks results of a comparison.\n");
}

int main(int argc, char **argv)
{
	int go[2], answer[2], fd, status;
	struct mapdev_info info;
	struct report report;
	struct stat file;
	pid_t b;

	if (argc != 3) {
		fprintf(stderr, "usage: demo NODE FILE\n"
			"for example: demo /dev/mapdev/demo /bin/busybox\n");
		return 2;
	}
	node = argv[1];
	path = argv[2];
	page_size = sysconf(_SC_PAGESIZE);
	setvbuf(stdout, NULL, _IOLBF, 0);	/* A and B share the terminal */
	if (stat(path, &file))
		err(1, "%s", path);
	if (!S_ISREG(file.st_mode) || !file.st_size)
		errx(1, "%s is not a file, or is empty", path);
	length = file.st_size;

	if (pipe2(go, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		err(1, "pipe");
	b = fork();
	if (b < 0)
		err(1, "fork");
	if (!b) {
		char start;

		close(go[1]);
		if (read(go[0], &start, 1) != 1)
			return 1;	/* A failed, and has printed the reason */
		report = process_b();
		write_all(answer[1], &report, sizeof(report), "process A");
		return 0;
	}
	close(answer[1]);

	fd = open_or_die(node, O_RDWR);
	info = region_info(fd);
	if (length > info.length)
		errx(1, "%s has %zu bytes, the region only %llu: choose a smaller file",
		     path, length, (unsigned long long)info.length);
	printf("  Process A is %d, process B is %d.\n", getpid(), b);
	write_file(fd);
	write_all(go[1], "", 1, "process B");
	if (waitpid(b, &status, 0) != b)
		err(1, "waitpid");
	if (status)
		errx(1, "process B failed");
	read_all(answer[0], &report, sizeof(report), "process B");
	read_back(fd);
	table(&info, &report);
	return 0;
}
