// SPDX-License-Identifier: GPL-2.0
/*
 * Lockdep must check the lock order of mapdev.h. One thread takes one pair in
 * the wrong order, once, which cannot deadlock. Since lockdep is off
 * afterwards, scripts/test/check runs this in a virtual machine of its own.
 */
#include <linux/debug_locks.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

/* A separate module needs its own copy. */
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
	/* The right order: a fault takes the guard under mmap_lock. */
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr));
	KUNIT_ASSERT_TRUE(test, debug_locks);

	/* The wrong order. */
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
