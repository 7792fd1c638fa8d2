/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fail each allocation of an operation in turn: the n-th in the n-th attempt, until an
 * attempt makes fewer allocations.
 *
 * The kernel counts the allocations of this task while it is armed, and fails the n-th
 * (Documentation/fault-injection in the kernel: fail-nth). Only one system call or touch
 * is armed; all other memory has been touched before.
 */
#ifndef _MAPDEV_SELFTESTS_INJECT_H
#define _MAPDEV_SELFTESTS_INJECT_H

#include "inject/injectors.h"
#include "test.h"

/* More than any operation here allocates. */
#define MOST_ALLOCATIONS 4000

/**
 * struct operation - what is attempted while each allocation fails in turn
 * @name: for the log
 * @prepare: before each attempt; may be NULL
 * @run: the attempt: 0 or an errno
 * @undo: after each attempt that succeeded; may be NULL
 * @as_before: after each attempt that failed: expects that nothing has changed
 * @enough: after each attempt: is the rest tested elsewhere? May be NULL
 * @too: an errno that may be returned besides ENOMEM
 * @first: the allocation to begin with, 0 for the first
 */
struct operation {
	const char *name;
	void (*prepare)(void *ctx);
	int (*run)(void *ctx);
	void (*undo)(struct __test_metadata *_metadata, void *ctx);
	void (*as_before)(struct __test_metadata *_metadata, void *ctx);
	bool (*enough)(void *ctx);
	int too;
	unsigned int first;
};

/* The number of failed allocations, and of failed attempts among them. */
struct injected {
	unsigned int allocations;
	unsigned int failures;
};

static inline struct injected inject(struct __test_metadata *_metadata,
				     const struct operation *op, void *ctx)
{
	struct injected sum = {};
	unsigned int left = 0;
	int err, fd;

	fd = open("/proc/thread-self/fail-nth", O_RDWR);
	ASSERT_LE(0, fd);
	arm(fd, 1);
	disarm(fd);
	for (unsigned int nth = op->first ?: 1; !left; nth++) {
		ASSERT_GT(MOST_ALLOCATIONS, nth);
		if (op->prepare)
			op->prepare(ctx);
		arm(fd, nth);
		err = op->run(ctx);
		left = disarm(fd);
		if (!left)
			sum.allocations++;
		if (err) {
			EXPECT_TRUE(!left && (err == ENOMEM || err == op->too)) {
				TH_LOG("%s, allocation %u: %s", op->name, nth,
				       strerror(err));
			}
			sum.failures++;
			if (op->as_before)
				op->as_before(_metadata, ctx);
		} else if (op->undo) {
			op->undo(_metadata, ctx);
		}
		if (op->enough && op->enough(ctx))
			break;
	}
	close(fd);
	TH_LOG("%s: %u allocations failed, and %u attempts", op->name,
	       sum.allocations, sum.failures);
	return sum;
}

/* In place of TEST_HARNESS_MAIN: skip all cases without fault injection. */
static inline int inject_main(int argc, char **argv)
{
	int err = injectors_set();

	if (err) {
		printf("TAP version 13\n1..0 # SKIP no fault injection: %s\n",
		       strerror(-err));
		return KSFT_SKIP;
	}
	return test_harness_run(argc, argv);
}

#endif /* _MAPDEV_SELFTESTS_INJECT_H */
