/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests for a machine that cannot fork, by the kernel's nolibc: what
 * kselftest_harness.h does, as far as it can be done in one process. The checks
 * of a test go on after one that fails.
 */
#ifndef _MAPDEV_SELFTESTS_NOMMU_H
#define _MAPDEV_SELFTESTS_NOMMU_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relocate.h"

struct test {
	const char *name;
	void (*run)(void);
};

extern const struct test __start_tests[] GUEST_HIDDEN;
extern const struct test __stop_tests[] GUEST_HIDDEN;

#define TEST(_name)							\
	static void _name(void);					\
	static const struct test test_##_name				\
		__attribute__((section("tests"), used, aligned(8))) = {	\
			"global." #_name, _name };			\
	static void _name(void)

static bool test_failed;

/* Both as numbers: of a call that failed, the errno as it is in the kernel. */
#define CHECK(_expected, _seen) \
	check(__LINE__, #_seen, (long)(_expected), (long)(_seen))

static inline bool check(int line, const char *what, long expected, long seen)
{
	if (expected == seen)
		return true;
	printf("# nommu.c:%d: %s is %ld, expected %ld\n", line, what, seen,
	       expected);
	test_failed = true;
	return false;
}

int main(int argc, char **argv)
{
	const char *only = argc == 3 && !strcmp(argv[1], "-r") ? argv[2] : NULL;
	int count = 0, done = 0, failed = 0;

	relocate();
	for (const struct test *test = __start_tests; test < __stop_tests; test++)
		count += !only || !strcmp(only, test->name);
	printf("TAP version 13\n1..%d\n", count);
	for (const struct test *test = __start_tests; test < __stop_tests; test++) {
		if (only && strcmp(only, test->name))
			continue;
		test_failed = false;
		test->run();
		failed += test_failed;
		printf("%s %d %s\n", test_failed ? "not ok" : "ok", ++done,
		       test->name);
	}
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:0 error:0\n",
	       done - failed, failed);
	return failed || !count;
}

#endif /* _MAPDEV_SELFTESTS_NOMMU_H */
