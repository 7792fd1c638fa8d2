// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim and migration change page tables under the lock of the reverse mapping:
 * they need no other, and wait for its holder. An allocation of a given page frame
 * starts either.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/migrate.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "bare.h"
#include "take.h"
#include "worker.h"

static const struct vm_operations_struct cached_vm_ops = {
	.fault		= filemap_fault,
	.map_pages	= filemap_map_pages,
};

static int cached_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &cached_vm_ops;
	return 0;
}

static const struct file_operations cached_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= cached_mmap_prepare,
};

static const struct address_space_operations cached_aops = {
	.migrate_folio = filemap_migrate_folio,
};

/* A file, all of which is mapped and present. */
struct cached {
	struct worker worker;
	struct address_space *mapping;
	unsigned long addr;
	struct taken taken;
};

/* mm core drops a clean folio, unless it is unevictable: that one is moved. */
struct way_case {
	const char *name;
	bool migrates;
};

static const struct way_case way_cases[] = {
	{ "reclaim", false },
	{ "migration", true },
};

static void way_case_name(const struct way_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(way, way_cases, way_case_name);

static int add_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_alloc_folio(GFP_HIGHUSER_MOVABLE | __GFP_ZERO,
						  0, NULL);
	int err;

	if (!folio)
		return -ENOMEM;
	err = filemap_add_folio(mapping, folio, index, GFP_KERNEL);
	if (!err) {
		folio_mark_uptodate(folio);
		folio_unlock(folio);
	}
	folio_put(folio);
	return err;
}

static bool is_present(const struct cached *cached, pgoff_t index)
{
	return fixture_is_present(cached->addr + (index << PAGE_SHIFT));
}

static void cached_init(struct kunit *test, struct cached *cached)
{
	const struct way_case *c = test->param_value;
	const u64 size = TAKE_PAGES << PAGE_SHIFT;
	struct file *file;
	u8 byte;

	file = fixture_keep(test, anon_inode_create_getfile("[kunit-rmap]",
							    &cached_fops, NULL,
							    O_RDWR, NULL));
	cached->mapping = file->f_mapping;
	cached->mapping->a_ops = &cached_aops;
	if (c->migrates)
		mapping_set_unevictable(cached->mapping);
	for (pgoff_t i = 0; i < TAKE_PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0, add_folio(cached->mapping, i));
	i_size_write(file_inode(file), size);

	cached->addr = fixture_map(test, file, 0, size, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(cached->addr));
	for (pgoff_t i = 0; i < TAKE_PAGES; i++) {
		u8 __user *user = (u8 __user *)cached->addr + (i << PAGE_SHIFT);

		KUNIT_ASSERT_EQ(test, 0, copy_from_user(&byte, user, 1));
		KUNIT_ASSERT_TRUE(test, is_present(cached, i));
	}
}

static void take_work(struct work_struct *work)
{
	struct cached *cached = container_of(work, struct cached, worker.work);

	take_frame(cached->mapping, &cached->taken);
	complete(&cached->worker.done);
}

/* The frame was taken, and its entry is gone, or of another frame. */
static void expect_taken(struct kunit *test, struct cached *cached)
{
	const struct way_case *c = test->param_value;
	const struct taken *taken = &cached->taken;
	struct folio *folio;

	KUNIT_ASSERT_EQ(test, 0, taken->err);
	put_frame(taken);
	KUNIT_EXPECT_EQ(test, c->migrates, is_present(cached, taken->index));
	folio = filemap_get_folio(cached->mapping, taken->index);
	KUNIT_EXPECT_EQ(test, c->migrates, !IS_ERR(folio));
	if (IS_ERR(folio))
		return;
	KUNIT_EXPECT_NE(test, taken->pfn, folio_pfn(folio));
	KUNIT_EXPECT_TRUE(test, folio_mapped(folio));
	folio_put(folio);
}

/* Another task may hold mmap_lock and the VMA lock for writing. */
/* ids: PA-30 PA-56 */
static void frame_taken_under_mmap_lock(struct kunit *test)
{
	struct cached cached;
	struct vm_area_struct *vma;

	cached_init(test, &cached);
	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, cached.addr);
	vma_start_write(vma);
	worker_start(&cached.worker, take_work);
	KUNIT_EXPECT_LT(test, 0,
			wait_for_completion_timeout(&cached.worker.done, 60 * HZ));
	mmap_write_unlock(current->mm);
	worker_end(&cached.worker);
	expect_taken(test, &cached);
}

/* Nothing changes while the lock of the reverse mapping is held. */
/* ids: PA-4 PA-30 PA-56 */
static void frame_waits_for_rmap_lock(struct kunit *test)
{
	struct cached cached;
	bool done, present = true;

	cached_init(test, &cached);
	i_mmap_lock_write(cached.mapping);
	worker_start(&cached.worker, take_work);
	while (!rwsem_is_contended(&cached.mapping->i_mmap_rwsem) &&
	       !completion_done(&cached.worker.done))
		msleep(20);
	done = completion_done(&cached.worker.done);
	for (pgoff_t i = 0; i < TAKE_PAGES; i++)
		present &= is_present(&cached, i);
	i_mmap_unlock_write(cached.mapping);
	worker_end(&cached.worker);
	KUNIT_EXPECT_FALSE(test, done);
	KUNIT_EXPECT_TRUE(test, present);
	expect_taken(test, &cached);
}

static struct kunit_case rmap_cases[] = {
	KUNIT_CASE_PARAM(frame_taken_under_mmap_lock, way_gen_params),
	KUNIT_CASE_PARAM(frame_waits_for_rmap_lock, way_gen_params),
	{}
};

static struct kunit_suite rmap_suite = {
	.name		= "mapdev_rmap",
	.test_cases	= rmap_cases,
};

kunit_test_suite(rmap_suite);
