// SPDX-License-Identifier: GPL-2.0
/*
 * The address_space operations of paged that mm core calls for a folio: the
 * locks that it holds, and what the hooks do without them.
 */
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "../mm/take.h"
#include "fixture.h"

#define REGION_SIZE	(TAKE_PAGES << PAGE_SHIFT)

/* The folios that were locked when mm core called a hook. */
static struct {
	struct mapdev_region *region;
	struct file *file;
	const struct address_space_operations *real;
	unsigned int calls;
	bool src, dst;
} seen;

static int spy_migrate_folio(struct address_space *mapping, struct folio *dst,
			     struct folio *src, enum migrate_mode mode)
{
	seen.calls++;
	seen.src = folio_test_locked(src);
	seen.dst = folio_test_locked(dst);
	return seen.real->migrate_folio(mapping, dst, src, mode);
}

static int spy_error_remove_folio(struct address_space *mapping,
				  struct folio *folio)
{
	seen.calls++;
	seen.src = folio_test_locked(folio);
	return seen.real->error_remove_folio(mapping, folio);
}

static struct address_space_operations spy_aops;

static void unspy(void *mapping)
{
	((struct address_space *)mapping)->a_ops = seen.real;
}

/* A filled region of small folios, whose hooks record the locks. */
static struct address_space *spy_on_folios(struct kunit *test, const char *attrs)
{
	struct mapdev_region *region =
		fixture_region_with(test, REGION_SIZE, attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	struct address_space *mapping = region->inode->i_mapping;

	for (pgoff_t i = 0; i < TAKE_PAGES; i++) {
		loff_t pos = i << PAGE_SHIFT;
		u8 byte = i;

		KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &pos));
	}
	memset(&seen, 0, sizeof(seen));
	seen.region = region;
	seen.file = file;
	seen.real = mapping->a_ops;
	spy_aops = *seen.real;
	spy_aops.migrate_folio = spy_migrate_folio;
	spy_aops.error_remove_folio = spy_error_remove_folio;
	mapping->a_ops = &spy_aops;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unspy, mapping));
	return mapping;
}

static unsigned long pfn_at(struct kunit *test, struct address_space *mapping,
			    pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	unsigned long pfn;

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	pfn = folio_pfn(folio);
	folio_put(folio);
	return pfn;
}

static const char * const attrs[] = {
	"backing=paged granule=PAGE", "backing=paged granule=PAGE dirty=1",
};

KUNIT_ARRAY_PARAM(attrs, attrs, fixture_backing_name);

/* An allocation of exactly this page frame migrates the folio. */
/* ids: LK-O6 LK-93 */
static void migration_locks_both_folios(struct kunit *test)
{
	const char * const *list = test->param_value;
	struct address_space *mapping = spy_on_folios(test, *list);
	struct taken taken;
	struct folio *folio;

	take_frame(mapping, &taken);
	KUNIT_ASSERT_EQ(test, 0, taken.err);
	put_frame(&taken);
	KUNIT_EXPECT_LE(test, 1, seen.calls);
	KUNIT_EXPECT_TRUE(test, seen.src);
	KUNIT_EXPECT_TRUE(test, seen.dst);
	KUNIT_EXPECT_NE(test, taken.pfn, pfn_at(test, mapping, taken.index));

	/* With its data, and as dirty as before. */
	folio = filemap_lock_folio(mapping, taken.index);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_EQ(test, taken.index & 0xff, *(u8 *)folio_address(folio));
	folio_unlock(folio);
	folio_put(folio);
}

/* The poisoned folio stays in the region, so that no program reads zeros. */
/* ids: LK-O6 LK-93 */
static void memory_failure_locks_folio(struct kunit *test)
{
	const char * const *list = test->param_value;
	struct address_space *mapping = spy_on_folios(test, *list);
	unsigned long pfn = pfn_at(test, mapping, 1);

	memory_failure(pfn, MF_SW_SIMULATED);
	KUNIT_EXPECT_EQ(test, 1, seen.calls);
	KUNIT_EXPECT_TRUE(test, seen.src);
	KUNIT_EXPECT_EQ(test, pfn, pfn_at(test, mapping, 1));

	/* Give the page back once the region has gone. */
	kunit_release_action(test, unspy, mapping);
	fixture_retire(test, seen.region);
	fixture_close(test, seen.file);
	KUNIT_EXPECT_EQ(test, 0, unpoison_memory(pfn));
}

/* --- Without the locks --- */

/* Locked one by one: a lock that is missing is reported, and nothing moves. */
/* ids: LK-O6 LK-93 */
static void migrate_folio_warns_without_locks(struct kunit *test)
{
	struct address_space *mapping = spy_on_folios(test, "granule=PAGE");
	struct folio *dst = folio_alloc(GFP_KERNEL, 0);
	struct folio *src = filemap_get_folio(mapping, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(src));
	KUNIT_ASSERT_NOT_NULL(test, dst);
	for (int locked = 0; locked < 3; locked++) {
		struct folio *one = locked == 1 ? src : dst;

		if (locked)
			folio_lock(one);
		kunit_warning_suppress(test) {
			KUNIT_EXPECT_EQ(test, -EAGAIN,
					seen.real->migrate_folio(mapping, dst, src,
								 MIGRATE_SYNC));
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		}
		if (locked)
			folio_unlock(one);
	}
	KUNIT_EXPECT_PTR_EQ(test, mapping, src->mapping);
	folio_put(src);
	folio_put(dst);
}

/* ids: LK-O6 LK-93 */
static void error_remove_folio_warns_without_lock(struct kunit *test)
{
	struct address_space *mapping = spy_on_folios(test, "granule=PAGE");
	struct folio *folio = filemap_get_folio(mapping, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	kunit_warning_suppress(test) {
		seen.real->error_remove_folio(mapping, folio);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	folio_lock(folio);
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, 0,
				seen.real->error_remove_folio(mapping, folio));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	folio_unlock(folio);
	folio_put(folio);
}

static struct kunit_case aops_cases[] = {
	KUNIT_CASE_PARAM(migration_locks_both_folios, attrs_gen_params),
	KUNIT_CASE_PARAM(memory_failure_locks_folio, attrs_gen_params),
	KUNIT_CASE(migrate_folio_warns_without_locks),
	KUNIT_CASE(error_remove_folio_warns_without_lock),
	{}
};

static struct kunit_suite aops_suite = {
	.name		= "mapdev_aops",
	.test_cases	= aops_cases,
};

kunit_test_suite(aops_suite);
