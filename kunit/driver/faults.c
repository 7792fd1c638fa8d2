// SPDX-License-Identifier: GPL-2.0
/*
 * The locks that mm core holds around the hooks of a fault: mmap_lock, or the
 * VMA lock alone.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/uaccess.h>

#include "spy.h"
#include "stats.h"

/* How a fault holds its VMA stable. */
#define BY_VMA_LOCK (SPY_ATTACHED | SPY_VMA_READ)
#define BY_MMAP_LOCK (SPY_ATTACHED | SPY_MMAP_READ)

KUNIT_ARRAY_PARAM(backing, spy_backings, fixture_backing_name);

/* Fault under the VMA lock alone, without a warning. */
static void fault_by_vma_lock(struct kunit *test, unsigned long addr,
			      unsigned int flags)
{
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_FALSE(test, fixture_fault(test, addr, flags));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/* An access by the kernel faults under mmap_lock. */
/* ids: LK-54 PA-29 */
static void fault_under_mmap_lock(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);

	spy_map(test, spy);
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, (u8 __user *)spy->addr));
	spy_expect(test, spy, SPY_FAULT, 1, BY_MMAP_LOCK);
	KUNIT_EXPECT_FALSE(test, spy->seen[SPY_FAULT].flags &
			   FAULT_FLAG_VMA_LOCK);
	spy_unmap(spy);
}

/* Without map_pages, fault() is not called under the VMA lock. */
/* ids: LK-54 PA-2 PA-29 */
static void vma_lock_fault_needs_map_pages(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);

	spy_map(test, spy);
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	spy_expect(test, spy, SPY_FAULT, 1, BY_VMA_LOCK);
	KUNIT_EXPECT_TRUE(test, spy->seen[SPY_FAULT].flags &
			  FAULT_FLAG_VMA_LOCK);
	spy_unmap(spy);

	spy->no_map_pages = true;
	spy_forget(spy);
	spy_map(test, spy);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_RETRY ==
			  fixture_fault(test, spy->addr, FAULT_FLAG_WRITE));
	spy_expect(test, spy, SPY_FAULT, 0, 0);
	spy_unmap(spy);
}

/* map_pages is called under the RCU read lock in addition. */
/* ids: LK-63 LK-64 LK-65 */
static void map_pages_locks(struct kunit *test)
{
	struct spy *spy;
	u8 byte = 1;

	fixture_needs_map_pages(test);
	spy = spy_on_param(test);
	spy_map(test, spy);
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)spy->addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	spy_expect(test, spy, SPY_MAP_PAGES, 1, BY_MMAP_LOCK | SPY_RCU);
	spy_unmap(spy);
	spy_map(test, spy);
	fault_by_vma_lock(test, spy->addr, 0);
	spy_expect(test, spy, SPY_MAP_PAGES, 2, BY_VMA_LOCK | SPY_RCU);
	/* Only for reads. */
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	KUNIT_EXPECT_EQ(test, 2, spy->seen[SPY_MAP_PAGES].calls);
	spy_unmap(spy);
}

static const char * const huge_backings[] = {
	"backing=paged", "backing=contig",
};

KUNIT_ARRAY_PARAM(huge, huge_backings, fixture_backing_name);

/* huge_fault is called under the VMA lock even without map_pages. */
/* ids: LK-58 LK-61 */
static void huge_fault_locks(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct spy *spy;
	char list[64];
	u8 byte = 1;

	fixture_needs_huge_frames(test);
	snprintf(list, sizeof(list), "%s", *attrs);
	if (!strcmp(list, "backing=paged")) {
		fixture_needs_huge_folios(test);
		snprintf(list, sizeof(list), "granule=%lu", PMD_SIZE);
	}
	spy = spy_on(test, PMD_SIZE, list);
	spy->no_map_pages = true;
	spy_map(test, spy);
	fault_by_vma_lock(test, spy->addr, 0);
	KUNIT_EXPECT_LE(test, 1, spy->seen[SPY_HUGE_FAULT].calls);
	KUNIT_EXPECT_EQ(test, BY_VMA_LOCK, spy->seen[SPY_HUGE_FAULT].locks);
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(spy->region,
					     MAPDEV_STAT_HUGE_FAULT));
	spy_unmap(spy);

	spy_map(test, spy);
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)spy->addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_EQ(test, BY_MMAP_LOCK, spy->seen[SPY_HUGE_FAULT].locks);
	spy_unmap(spy);
}

static const char * const dirty_backings[] = {
	"backing=paged dirty=1 granule=PAGE", "backing=pages dirty=1",
};

KUNIT_ARRAY_PARAM(dirty, dirty_backings, fixture_backing_name);

/* mm core overwrites the flags, so they do not tell which lock is held. */
/* ids: LK-68 LK-69 */
static void page_mkwrite_locks(struct kunit *test)
{
	struct spy *spy = spy_on_param(test);

	spy_map(test, spy);
	fault_by_vma_lock(test, spy->addr, 0);
	spy_expect(test, spy, SPY_PAGE_MKWRITE, 0, 0);
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	spy_expect(test, spy, SPY_PAGE_MKWRITE, 1, BY_VMA_LOCK);
	KUNIT_EXPECT_EQ(test, FAULT_FLAG_WRITE | FAULT_FLAG_MKWRITE,
			spy->seen[SPY_PAGE_MKWRITE].flags);
	spy_unmap(spy);
}

/* Is the entry at @addr of a page frame writable? */
static bool is_writable(unsigned long addr)
{
	struct follow_pfnmap_args args = { .address = addr };

	guard(mmap_read_lock)(current->mm);
	args.vma = vma_lookup(current->mm, addr);
	if (follow_pfnmap_start(&args))
		return false;
	follow_pfnmap_end(&args);
	return args.writable;
}

/*
 * The flags are kept. If it returns 0, mm core makes the entry writable; if it
 * returns VM_FAULT_NOPAGE, which the documents ask for, mm core does not.
 */
/* ids: LK-73 LK-74 LK-75 */
static void pfn_mkwrite_locks(struct kunit *test)
{
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=contig");

	spy->pfn_mkwrite = true;
	spy->pfn_mkwrite_ret = VM_FAULT_NOPAGE;
	spy_map(test, spy);
	fault_by_vma_lock(test, spy->addr, 0);
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	spy_expect(test, spy, SPY_PFN_MKWRITE, 1, BY_VMA_LOCK);
	KUNIT_EXPECT_TRUE(test, spy->seen[SPY_PFN_MKWRITE].flags &
			  FAULT_FLAG_VMA_LOCK);
	KUNIT_EXPECT_TRUE(test, spy->seen[SPY_PFN_MKWRITE].flags &
			  FAULT_FLAG_MKWRITE);
	KUNIT_EXPECT_FALSE(test, is_writable(spy->addr));

	spy->pfn_mkwrite_ret = 0;
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	spy_expect(test, spy, SPY_PFN_MKWRITE, 2, BY_VMA_LOCK);
	KUNIT_EXPECT_TRUE(test, is_writable(spy->addr));
	spy_unmap(spy);
}

/*
 * What mmap maps has the protection of mmap_prepare: it is writable at once, and
 * pfn_mkwrite is never called.
 */
/* ids: LK-75 */
static void eager_frames_skip_pfn_mkwrite(struct kunit *test)
{
	struct spy *spy = spy_on(test, SPY_SIZE, "backing=contig map=eager");

	spy->pfn_mkwrite = true;
	spy->pfn_mkwrite_ret = VM_FAULT_NOPAGE;
	spy_map(test, spy);
	KUNIT_EXPECT_TRUE(test, is_writable(spy->addr));
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, (u8 __user *)spy->addr));
	fault_by_vma_lock(test, spy->addr, FAULT_FLAG_WRITE);
	spy_expect(test, spy, SPY_PFN_MKWRITE, 0, 0);
	spy_expect(test, spy, SPY_FAULT, 0, 0);
	spy_unmap(spy);
}

static struct kunit_case faults_cases[] = {
	KUNIT_CASE_PARAM(fault_under_mmap_lock, backing_gen_params),
	KUNIT_CASE_PARAM(vma_lock_fault_needs_map_pages, backing_gen_params),
	KUNIT_CASE_PARAM(map_pages_locks, backing_gen_params),
	KUNIT_CASE_PARAM(huge_fault_locks, huge_gen_params),
	KUNIT_CASE_PARAM(page_mkwrite_locks, dirty_gen_params),
	KUNIT_CASE(pfn_mkwrite_locks),
	KUNIT_CASE(eager_frames_skip_pfn_mkwrite),
	{}
};

static struct kunit_suite faults_suite = {
	.name		= "mapdev_faults",
	.test_cases	= faults_cases,
};

kunit_test_suite(faults_suite);
