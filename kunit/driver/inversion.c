// SPDX-License-Identifier: GPL-2.0
/*
 * Does lockdep watch over the order of locks in mapdev.h? One pair of them is
 * taken in the wrong order, once and by one thread, so that nothing can come of
 * it but the report. Lockdep is off after that: scripts/test/check has a virtual
 * machine for this alone.
 */
#include <linux/debug_locks.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

/* A module of its own has its own. */
#include "../mm/fixture.c"
#include "fixture.c"

/* ids: PA-33 PA-34 */
static void lockdep_reports_guard_first(struct kunit *test)
{
	struct mapdev_region *region =
		fixture_region_with(test, PAGE_SIZE, "backing=pages");
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr = fixture_map(test, file, 0, PAGE_SIZE,
					 PROT_READ | PROT_WRITE);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	/* As it is: the guard under mmap_lock, in a fault. */
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr));
	KUNIT_ASSERT_TRUE(test, debug_locks);

	/* As it must not be. */
	percpu_down_write(&region->guard);
	mmap_read_lock(current->mm);
	mmap_read_unlock(current->mm);
	percpu_up_write(&region->guard);
	KUNIT_EXPECT_FALSE(test, debug_locks);
}

static struct kunit_case inversion_cases[] = {
	KUNIT_CASE(lockdep_reports_guard_first),
	{}
};

static struct kunit_suite inversion_suite = {
	.name		= "mapdev_inversion",
	.test_cases	= inversion_cases,
};

kunit_test_suite(inversion_suite);
