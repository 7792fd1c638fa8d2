// SPDX-License-Identifier: GPL-2.0
/* The dirty log: what marks a page dirty. */
#include <linux/mapdev.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "dirty.h"
#include "fixture.h"
#include "log.h"
#include "region.h"

KUNIT_ARRAY_PARAM(log, log_cases, log_case_name);

/* ids: LK-70 LK-90 LK-O6 */
static void folio_mapping_is_region(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 33);
	KUNIT_EXPECT_PTR_EQ(test, fx.region->inode->i_mapping,
			    page_folio(page)->mapping);
	KUNIT_EXPECT_EQ(test, 33, page_folio(page)->index +
			folio_page_idx(page_folio(page), page));
	log_expect_dirty(test, &fx, 33);
	/* Like ptrace: write, then set the page dirty. */
	set_page_dirty_lock(page);
	log_expect_dirty(test, &fx, 33);
}

/* A pinned page outlives the region, and does not point to it any more. */
static void pinned_page_outlives_region(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 2);
	get_page(page);
	fixture_retire(test, fx.region);
	vm_munmap((unsigned long)fx.user, LOG_SIZE);
	fixture_close(test, fx.file);
	KUNIT_EXPECT_NULL(test, page_folio(page)->mapping);
	set_page_dirty_lock(page);
	put_page(page);
}

/* --- page_mkwrite --- */

static vm_fault_t mkwrite(struct log_fixture *fx, struct page *page,
			  pgoff_t index)
{
	struct vm_area_struct *vma;
	vm_fault_t ret;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx->user);
	{
		struct vm_fault vmf = {
			.vma		= vma,
			.address	= vma->vm_start + index * PAGE_SIZE,
			.pgoff		= index,
			.page		= page,
		};

		ret = vma->vm_ops->page_mkwrite(&vmf);
	}
	mmap_read_unlock(current->mm);
	return ret;
}

/* The page is marked before its entry becomes writable. */
/* ids: LK-45 LK-70 */
static void mkwrite_marks(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 3);
	log_expect_dirty(test, &fx, 3);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_LOCKED == mkwrite(&fx, page, 3));
	KUNIT_EXPECT_TRUE(test, folio_test_locked(page_folio(page)));
	KUNIT_EXPECT_TRUE(test, mapdev_dirty_pending(fx.region));
	unlock_page(page);
	log_expect_dirty(test, &fx, 3);
}

/* page_mkwrite returns @answer, with the folio unlocked. */
static void expect_refusal(struct kunit *test, struct log_fixture *fx,
			   struct page *page, vm_fault_t answer)
{
	vm_fault_t ret = mkwrite(fx, page, 3);

	KUNIT_EXPECT_TRUE(test, answer == ret);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(page_folio(page)));
	if (ret == VM_FAULT_LOCKED)
		unlock_page(page);
}

/* A revoke may come after fault() has unlocked the folio. */
/* ids: LK-33 LK-71 LK-72 */
static void mkwrite_refuses_revoked(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 3);
	log_expect_dirty(test, &fx, 3);
	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	expect_refusal(test, &fx, page, VM_FAULT_SIGBUS);
	mapdev_region_restore(fx.region, MAPDEV_OFF_ROOT);
	log_expect_clean(test, &fx);
}

/* The folio does not belong to the region any more: retry the fault. */
/* ids: LK-71 */
static void mkwrite_retries_foreign_folio(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct log_fixture fx;

	log_init(test, &fx);
	KUNIT_ASSERT_NOT_NULL(test, page);
	expect_refusal(test, &fx, page, VM_FAULT_NOPAGE);
	put_page(page);
	log_expect_clean(test, &fx);
}

/* ids: LK-68 */
static void mkwrite_asserts_locks(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct log_fixture fx;
	struct page *page;

	if (!IS_ENABLED(CONFIG_DEBUG_VM) || !IS_ENABLED(CONFIG_LOCKDEP))
		kunit_skip(test, "this kernel asserts no locks");
	log_init(test, &fx);
	page = log_write_page(test, &fx, 3);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	mmap_read_unlock(current->mm);
	kunit_warning_suppress(test) {
		struct vm_fault vmf = {
			.vma	= vma,
			.pgoff	= 3,
			.page	= page,
		};

		if (vma->vm_ops->page_mkwrite(&vmf) == VM_FAULT_LOCKED)
			unlock_page(page);
		KUNIT_EXPECT_LE(test, 1, KUNIT_SUPPRESSED_WARNING_COUNT());
	}
}

/* --- Marks set by drivers --- */

static void dirty_mark_sets_range(struct kunit *test)
{
	struct log_fixture fx;
	u64 first, unit, sum;

	log_init(test, &fx);
	unit = fx.region->attrs.granule;
	mapdev_dirty_mark(fx.region, 33, 1);
	log_expect_dirty(test, &fx, 33);
	mapdev_dirty_mark(fx.region, 33, 0);
	log_expect_clean(test, &fx);
	mapdev_dirty_mark(fx.region, 17, 16);
	sum = round_up(33 * PAGE_SIZE, unit) - round_down(17 * PAGE_SIZE, unit);
	KUNIT_EXPECT_EQ(test, sum, log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, round_down(17 * PAGE_SIZE, unit), first);
	/* Pages past the end are ignored. */
	mapdev_dirty_mark(fx.region, mapdev_pages(fx.region), 100);
	log_expect_clean(test, &fx);
}

/* Old marks are kept, and the new pages are marked. */
static void grow_keeps_marks(struct kunit *test)
{
	struct log_fixture fx;
	u64 first, unit;

	log_init(test, &fx);
	unit = fx.region->attrs.granule;
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, fx.user + 33 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_dirty_grow(fx.region,
					  2 * mapdev_pages(fx.region)));
	log_expect_dirty(test, &fx, 33);
	/* Only paged grows: the others have an array of pages. */
	if (fx.region->pages)
		return;
	fx.region->attrs.size *= 2;
	mapdev_dirty_grown(fx.region, LOG_PAGES);
	KUNIT_EXPECT_EQ(test, LOG_SIZE, log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, LOG_SIZE, first);
	log_expect_clean(test, &fx);
	mapdev_dirty_mark(fx.region, mapdev_pages(fx.region) - 1, 1);
	KUNIT_EXPECT_EQ(test, unit, log_collect(test, &fx, &first));
	fx.region->attrs.size /= 2;
}

/* Pages of another driver, which marks what it writes. */
static void mark_dirty_of_lent_pages(struct kunit *test)
{
	struct page *pages[8] = {};
	struct mapdev_desc desc = {
		.name	= "kunit-loan",
		.size	= sizeof(pages) / sizeof(*pages) * PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= pages,
		.dirty	= true,
	};
	struct log_fixture fx;
	u64 first;

	log_map_runs(test, &fx);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	fx.region = mapdev_register(&desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx.region);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, PAGE_SIZE - 1, 2));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, 0, first);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, 3 * PAGE_SIZE,
						   PAGE_SIZE));
	log_expect_dirty(test, &fx, 3);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, desc.size, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mapdev_mark_dirty(fx.region, desc.size, 1));
	log_expect_clean(test, &fx);

	/* A page can be in one region only, and only once. */
	desc.name = "kunit-loan-again";
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(mapdev_register(&desc)));
	mapdev_unregister(fx.region);
	swap(pages[7], pages[0]);
	put_page(pages[0]);
	pages[0] = pages[1];
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(mapdev_register(&desc)));
	for (size_t i = 1; i < ARRAY_SIZE(pages); i++) {
		KUNIT_EXPECT_NULL(test, page_folio(pages[i])->mapping);
		put_page(pages[i]);
	}
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE_PARAM(folio_mapping_is_region, log_gen_params),
	KUNIT_CASE_PARAM(pinned_page_outlives_region, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_marks, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_refuses_revoked, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_retries_foreign_folio, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_asserts_locks, log_gen_params),
	KUNIT_CASE_PARAM(dirty_mark_sets_range, log_gen_params),
	KUNIT_CASE_PARAM(grow_keeps_marks, log_gen_params),
	KUNIT_CASE(mark_dirty_of_lent_pages),
	{}
};

static struct kunit_suite dirty_suite = {
	.name		= "mapdev_dirty",
	.test_cases	= dirty_cases,
};

kunit_test_suite(dirty_suite);
