// SPDX-License-Identifier: GPL-2.0
/* The VM operations of each backing: which hooks are set, in which section. */
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>

#include "fixture.h"

struct hooks_case {
	const char *name;
	const char *attrs;
	bool paged, frames, dirty;
};

static const struct hooks_case hooks_cases[] = {
	{ "paged", "backing=paged", .paged = true },
	{ "paged dirty", "backing=paged dirty=1", .paged = true, .dirty = true },
	{ "pages", "backing=pages" },
	{ "pages dirty", "backing=pages dirty=1", .dirty = true },
	{ "contig", "backing=contig", .frames = true },
};

static void hooks_case_name(const struct hooks_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hooks, hooks_cases, hooks_case_name);

/*
 * open and close are set where mappings are counted, huge_fault where there are
 * PMD entries, access where there is no struct page.
 */
/* ids: MP-7 MP-8 LK-40 LK-41 LK-42 LK-43 LK-44 LK-45 LK-46 LK-47 PA-22 */
/* ids: PA-23 */
static void backing_has_vm_ops(struct kunit *test)
{
	const struct hooks_case *c = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, PAGE_SIZE, c->attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	const struct module *owner = file->f_op->owner;
	const struct vm_operations_struct *ops;
	struct vm_area_struct *vma;
	unsigned long addr;
	void *private_data;

	addr = fixture_map(test, file, 0, PAGE_SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	ops = vma->vm_ops;
	private_data = vma->vm_private_data;
	mmap_read_unlock(current->mm);

	KUNIT_EXPECT_NOT_NULL(test, ops->fault);
	KUNIT_EXPECT_NOT_NULL(test, ops->map_pages);
	KUNIT_EXPECT_EQ(test, !c->paged, !!ops->open);
	KUNIT_EXPECT_EQ(test, !c->paged, !!ops->close);
	KUNIT_EXPECT_NOT_NULL(test, ops->mapped);
	KUNIT_EXPECT_EQ(test, c->paged || c->frames, !!ops->huge_fault);
	KUNIT_EXPECT_EQ(test, c->frames, !!ops->access);
	KUNIT_EXPECT_EQ(test, c->dirty, !!ops->page_mkwrite);
	KUNIT_EXPECT_NULL(test, ops->pfn_mkwrite);
	KUNIT_EXPECT_NULL(test, ops->may_split);
	KUNIT_EXPECT_NULL(test, ops->name);
	KUNIT_EXPECT_PTR_EQ(test, c->paged ? NULL : region, private_data);

	/* The tables are read-only. */
	KUNIT_EXPECT_TRUE(test, within_module_mem_type((unsigned long)ops, owner,
						       MOD_RODATA));
	KUNIT_EXPECT_TRUE(test,
			  within_module_mem_type((unsigned long)file->f_op,
						 owner, MOD_RODATA));
}

static struct kunit_case ops_cases[] = {
	KUNIT_CASE_PARAM(backing_has_vm_ops, hooks_gen_params),
	{}
};

static struct kunit_suite ops_suite = {
	.name		= "mapdev_ops",
	.test_cases	= ops_cases,
};

kunit_test_suite(ops_suite);
