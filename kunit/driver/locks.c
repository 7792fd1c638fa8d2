// SPDX-License-Identifier: GPL-2.0
/*
 * The locks that mm core holds around each hook. A hook that asserts more would
 * warn here. faults.c has the hooks of a fault, unlocked.c missing locks.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

#include "process.h"
#include "revoker.h"
#include "spy.h"

KUNIT_ARRAY_PARAM(backing, spy_backings, fixture_backing_name);

/* --- mmap(2) --- */

/* ids: LK-27 PA-1 */
static void get_unmapped_area_locks(struct kunit *test)
{
	struct spy *spy;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "without THP, mm core chooses the address");
	spy = spy_on_param(test);
	spy_map(test, spy);
	spy_expect(test, spy, SPY_GET_UNMAPPED_AREA, 1, SPY_MMAP_WRITE);
	spy_unmap(spy);
}

/* There is no VMA yet. */
/* ids: MP-43 PA-1 PA-9 */
static void mmap_prepare_locks(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);

	spy_map(test, spy);
	spy_expect(test, spy, SPY_MMAP_PREPARE, 1, SPY_MMAP_WRITE);
	KUNIT_EXPECT_FALSE(test, spy->found);
	spy_unmap(spy);
}

/* Now there is a VMA, which no other thread can reach. */
/* ids: MP-8 MP-15 PA-1 PA-9 */
static void mapped_locks(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);

	spy_map(test, spy);
	spy_expect(test, spy, SPY_MAPPED, 1,
		   SPY_ATTACHED | SPY_MMAP_WRITE | SPY_VMA_WRITE);
	spy_unmap(spy);
}

/* --- open and close --- */

/* The new VMA is detached and not locked yet. */
/* ids: LK-50 LK-51 PA-16 */
static void open_locks_at_split(struct kunit *test)
{
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=contig");

	spy_map(test, spy);
	spy_expect(test, spy, SPY_OPEN, 0, 0);
	vm_munmap(spy->addr + 2 * PAGE_SIZE, PAGE_SIZE);
	spy_expect(test, spy, SPY_OPEN, 2, SPY_MMAP_WRITE);
	spy_unmap(spy);
}

/* vm_munmap() keeps mmap_lock for writing; the VMA is detached. */
/* ids: LK-52 */
static void close_locks_at_munmap(struct kunit *test)
{
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=pages");

	spy_map(test, spy);
	spy_unmap(spy);
	KUNIT_EXPECT_EQ(test, 1, spy->seen[SPY_CLOSE].calls);
	KUNIT_EXPECT_EQ(test, SPY_MMAP_WRITE,
			spy->seen[SPY_CLOSE].locks & ~SPY_VMA_WRITE);
}

/* munmap(2) has downgraded mmap_lock by then, but no module can call it. */
/* ids: LK-52 PA-52 */
static void close_accepts_downgraded_lock(struct kunit *test)
{
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=pages");
	struct vm_area_struct *vma, detached = {};

	spy_map(test, spy);
	detached.vm_mm = current->mm;
	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, spy->addr);
	mmap_write_downgrade(current->mm);
	kunit_warning_suppress(test) {
		vma->vm_ops->close(&detached);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	mmap_read_unlock(current->mm);
	spy_expect(test, spy, SPY_CLOSE, 1, SPY_MMAP_READ);
	spy_unmap(spy);
}

/*
 * At fork, the mms of parent and child are locked for writing. At exit, the
 * task has no mm any more.
 */
/* ids: LK-50 LK-51 PA-18 */
static void open_locks_at_fork(struct kunit *test)
{
	struct process *process = process_start(test, "(:); :");
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=pages");
	unsigned long addr = process_map(process, spy->file, SPY_SIZE);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	process_finish(test, process);
	spy_expect(test, spy, SPY_OPEN, 1, SPY_ATTACHED | SPY_MMAP_WRITE |
		   SPY_VMA_WRITE | SPY_OTHER_MM);
	KUNIT_EXPECT_EQ(test, 1, spy->seen[SPY_CLOSE].calls);
	KUNIT_EXPECT_EQ(test, SPY_MMAP_WRITE | SPY_OTHER_MM,
			spy->seen[SPY_CLOSE].locks & ~SPY_VMA_WRITE);
	process_unmap(process, addr, SPY_SIZE);
}

/* --- Others --- */

/* The locked mm is that of the mapping, not that of the caller. */
/* ids: LK-77 LK-78 LK-79 */
static void access_locks(struct kunit *test)
{
	struct process *process = process_start(test, ":");
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=contig");
	unsigned long addr = process_map(process, spy->file, SPY_SIZE);
	u8 byte = 1;

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 1,
			access_process_vm(process->task, addr, &byte, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, byte);
	spy_expect(test, spy, SPY_ACCESS, 1,
		   SPY_ATTACHED | SPY_MMAP_READ | SPY_OTHER_MM);
	process_unmap(process, addr, SPY_SIZE);
}

/* A revoke takes no lock of the mms that map the region. */
/* ids: PA-4 PA-8 PA-30 ME-41 */
static void revoke_needs_no_mmap_lock(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);
	struct revoker revoker;

	spy_map(test, spy);
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, (u8 __user *)spy->addr));
	mmap_write_lock(current->mm);
	revoker_start(&revoker, spy->region);
	KUNIT_EXPECT_LT(test, 0,
			wait_for_completion_timeout(&revoker.worker.done,
						    60 * HZ));
	mmap_write_unlock(current->mm);
	revoker_end(&revoker);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			put_user((u8)1, (u8 __user *)spy->addr));
	spy_unmap(spy);
}

static struct kunit_case locks_cases[] = {
	KUNIT_CASE_PARAM(get_unmapped_area_locks, backing_gen_params),
	KUNIT_CASE_PARAM(mmap_prepare_locks, backing_gen_params),
	KUNIT_CASE_PARAM(mapped_locks, backing_gen_params),
	KUNIT_CASE(open_locks_at_split),
	KUNIT_CASE(open_locks_at_fork),
	KUNIT_CASE(close_locks_at_munmap),
	KUNIT_CASE(close_accepts_downgraded_lock),
	KUNIT_CASE(access_locks),
	KUNIT_CASE_PARAM(revoke_needs_no_mmap_lock, backing_gen_params),
	{}
};

static struct kunit_suite locks_suite = {
	.name		= "mapdev_locks",
	.test_cases	= locks_cases,
};

kunit_test_suite(locks_suite);
