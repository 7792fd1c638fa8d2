/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The harness for a machine that cannot fork, by the kernel's nolibc, in place of
 * kselftest_harness.h and region.h. A test goes on after a check that fails.
 */
#ifndef _MAPDEV_SELFTESTS_NOMMU_H
#define _MAPDEV_SELFTESTS_NOMMU_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/mapdev.h>
#include <linux/types.h>

#include "relocate.h"

typedef __u8 u8;

#define PAGE	4096UL
#define PAGES	4			/* of the region of each test */
#define SIZE	(PAGES * PAGE)
#define RW	(PROT_READ | PROT_WRITE)

/* Memory that the test kernel does not use: scripts/vm/riscv64.dtso. */
#define WINDOW	"backing=window phys=0x8c000000"

/* --- Tests --- */

struct test {
	const char *name;
	void (*run)(void);
	const char * const *variants;
};

extern const struct test __start_tests[] GUEST_HIDDEN;
extern const struct test __stop_tests[] GUEST_HIDDEN;

#define TEST_OF(_name, _variants)					\
	static void _name(void);					\
	static const struct test test_##_name				\
		__attribute__((section("tests"), used, aligned(8))) = {	\
			#_name, _name, _variants };			\
	static void _name(void)

/* A test with a vmalloc region; or with a region of each backing. */
#define TEST(_name)		TEST_OF(_name, vmalloc_only)
#define TEST_EACH(_name)	TEST_OF(_name, each_backing)

static const char * const vmalloc_only[] = {
	"global", "backing=vmalloc", NULL
};

static const char * const each_backing[] = {
	"vmalloc", "backing=vmalloc", "contig", "backing=contig",
	"contig_pin", "backing=contig pin=1", "window", WINDOW, NULL
};

static bool test_failed, any_failed;
static const char *program;

#define CHECK(_expected, _seen) \
	check(__LINE__, #_seen, (long)(_expected), (long)(_seen))

static bool check(int line, const char *what, long expected, long seen)
{
	if (expected == seen)
		return true;
	printf("# nommu.c:%d: %s is %ld (%lx), expected %ld (%lx)\n", line,
	       what, seen, seen, expected, expected);
	test_failed = true;
	return false;
}

/* --- Regions: 0 or a negative errno --- */

struct region {
	char name[64];
	char node[96];
	const char *attrs;
	int fd;
};

static struct region r;		/* of the test that runs */

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Read a file, up to a page. */
static const char *read_file(const char *path)
{
	static char text[PAGE];
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t got;

	while (fd >= 0 && length < sizeof(text) - 1) {
		got = read(fd, text + length, sizeof(text) - 1 - length);
		if (got <= 0)
			break;
		length += got;
	}
	text[length] = '\0';
	close(fd);
	return text;
}

static int set_attr(const char *name, const char *attr, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/kernel/config/mapdev/%s/%s", name,
		 attr);
	return write_file(path, value);
}

static void retire(const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "/sys/kernel/config/mapdev/%s", name);
	rmdir(path);
}

/* Create a directory with these attributes, "name=value", separated by blanks. */
static int describe(const char *name, const char *attrs)
{
	char path[192], pair[64];
	const char *end;
	char *value;
	int err = 0;

	snprintf(path, sizeof(path), "/sys/kernel/config/mapdev/%s", name);
	if (mkdir(path, 0755))
		return -errno;
	for (; !err && *attrs; attrs = *end ? end + 1 : end) {
		end = strchr(attrs, ' ') ?: attrs + strlen(attrs);
		memcpy(pair, attrs, end - attrs);
		pair[end - attrs] = '\0';
		value = strchr(pair, '=');
		*value++ = '\0';
		err = set_attr(name, pair, value);
	}
	return err;
}

static int create(const char *name, const char *attrs)
{
	int err = describe(name, attrs);

	return err ?: set_attr(name, "live", "1");
}

static int sysfs(const char *attr, const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), "/sys/class/mapdev/%s/%s", r.name, attr);
	return write_file(path, value);
}

static long counter(const char *name)
{
	const char *text, *found;
	char path[128], line[32];

	snprintf(path, sizeof(path), "/sys/kernel/debug/mapdev/%s", r.name);
	text = read_file(path);
	snprintf(line, sizeof(line), "%s ", name);
	if (!strncmp(text, line, strlen(line)))
		return atol(text + strlen(line));
	snprintf(line, sizeof(line), "\n%s ", name);
	found = strstr(text, line);
	return found ? atol(found + strlen(line)) : -1;
}

/*
 * mmap(2): return 0 or -errno. After a failure, the address is one that may be touched:
 * without an MMU, nothing stops a wrong access.
 */
static int try_mmap(int fd, size_t size, int prot, int flags, off_t offset,
		    u8 **addr)
{
	static u8 nowhere[16 * PAGE];

	*addr = mmap(NULL, size, prot, flags, fd, offset);
	if (*addr != MAP_FAILED)
		return 0;
	*addr = nowhere;
	return -errno;
}

static int try_mremap(void *old, size_t size, size_t new_size, int flags,
		      void *addr)
{
	return mremap(old, size, new_size, flags, addr) == MAP_FAILED ?
	       -errno : 0;
}

static int get_byte(int fd, off_t offset)
{
	u8 byte;

	lseek(fd, offset, SEEK_SET);
	return read(fd, &byte, 1) == 1 ? byte : -errno;
}

static int set_byte(int fd, off_t offset, u8 byte)
{
	lseek(fd, offset, SEEK_SET);
	return write(fd, &byte, 1) == 1 ? 0 : -errno;
}

static int load_byte(const u8 *byte)
{
	u8 value = *byte;

	__asm__ __volatile__("" : "+r"(value) : : "memory");
	return value;
}

static void store_byte(u8 *byte, u8 value)
{
	*byte = value;
	__asm__ __volatile__("" : : : "memory");
}

/* --- Another process: this program again, with the name of its task --- */

static pid_t spawn(const char *what)
{
	const char * const argv[] = { program, "child", what, r.node, NULL };
	pid_t pid;

	/* In this frame, which the parent needs and the child leaves intact. */
	pid = __nolibc_syscall5(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD,
				0, 0, 0, 0);
	if (!pid) {
		execve(program, (char **)argv, environ);
		_exit(127);
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Wait until the other process has stored @value; false if it has exited. */
static bool wait_byte(const u8 *byte, u8 value, pid_t pid)
{
	while (load_byte(byte) != value) {
		if (pid && waitpid(pid, NULL, WNOHANG) == pid)
			return false;
		sched_yield();
	}
	return true;
}

static int child(const char *what, const char *node);

/* --- Runner --- */

static bool begin(const char *attrs)
{
	static int serial;

	snprintf(r.name, sizeof(r.name), "test-%d", serial++);
	snprintf(r.node, sizeof(r.node), "/dev/mapdev/%s", r.name);
	r.attrs = attrs;
	if (!CHECK(0, describe(r.name, attrs)) ||
	    !CHECK(0, set_attr(r.name, "size", "16384")) ||
	    !CHECK(0, set_attr(r.name, "live", "1")))
		return false;
	r.fd = open(r.node, O_RDWR);
	return CHECK(true, r.fd >= 0);
}

/* Run each test with each of its regions, or only count them (@dry). */
static int run_tests(const char *only, bool dry)
{
	int count = 0;

	for (const struct test *test = __start_tests; test < __stop_tests; test++) {
		for (const char * const *v = test->variants; *v; v += 2) {
			char name[96];

			snprintf(name, sizeof(name), "%s.%s", v[0], test->name);
			if (only && strcmp(only, name))
				continue;
			count++;
			if (dry)
				continue;
			test_failed = false;
			if (begin(v[1]))
				test->run();
			close(r.fd);
			retire(r.name);
			printf("%s %d %s\n", test_failed ? "not ok" : "ok",
			       count, name);
			any_failed |= test_failed;
		}
	}
	return count;
}

int main(int argc, char **argv)
{
	const char *only = argc == 3 && !strcmp(argv[1], "-r") ? argv[2] : NULL;

	relocate();
	program = argv[0];
	if (argc == 4 && !strcmp(argv[1], "child"))
		return child(argv[2], argv[3]);
	printf("TAP version 13\n1..%d\n", run_tests(only, true));
	run_tests(only, false);
	return any_failed;
}

#endif /* _MAPDEV_SELFTESTS_NOMMU_H */
