// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks warn if the locks that mm core holds are missing. Together with
 * mapping.c, prepare.c and dirty.c, this covers every hook.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/rcupdate.h>

#include "fixture.h"
#include "region.h"

struct unlocked {
	const char *name;
	const char *attrs;
	void (*call)(struct vm_area_struct *vma);
};

static void call_open(struct vm_area_struct *vma)
{
	vma->vm_ops->open(vma);
}

static void call_close(struct vm_area_struct *vma)
{
	vma->vm_ops->close(vma);
}

static void call_map_pages_outside_rcu(struct vm_area_struct *vma)
{
	pmd_t pmd = __pmd(0);
	struct vm_fault vmf = {
		.vma = vma, .address = vma->vm_start, .pmd = &pmd,
	};

	vma->vm_ops->map_pages(&vmf, 0, 0);
}

static void call_map_pages(struct vm_area_struct *vma)
{
	guard(rcu)();
	call_map_pages_outside_rcu(vma);
}

/* No entry has order 0, so that nothing is mapped. */
static void call_huge_fault(struct vm_area_struct *vma)
{
	struct vm_fault vmf = { .vma = vma, .address = vma->vm_start };

	vma->vm_ops->huge_fault(&vmf, 0);
}

static void call_access(struct vm_area_struct *vma)
{
	u8 byte;

	vma->vm_ops->access(vma, vma->vm_start, &byte, 1, 0);
}

static const struct unlocked hooks[] = {
	{ "open", "backing=pages", call_open },
	{ "close", "backing=pages", call_close },
	{ "map_pages", "backing=pages", call_map_pages },
	{ "map_pages paged", "backing=paged", call_map_pages },
	{ "huge_fault paged", "backing=paged", call_huge_fault },
	{ "huge_fault pfn", "backing=contig", call_huge_fault },
	{ "access", "backing=contig", call_access },
};

static void hook_name(const struct unlocked *hook, char *desc)
{
	strscpy(desc, hook->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hook, hooks, hook_name);

/* ids: PA-1 PA-29 */
static void hook_warns_without_locks(struct kunit *test)
{
	const struct unlocked *hook = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, 4 * PAGE_SIZE, hook->attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr = fixture_map(test, file, 0, 4 * PAGE_SIZE, PROT_READ);
	struct vm_area_struct *vma;

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	mmap_read_unlock(current->mm);
	/*
	 * A revoked region: map_pages of paged must not touch the page table.
	 */
	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);

	kunit_warning_suppress(test) {
		hook->call(vma);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}

	/* With the lock, the hook does not warn. */
	mmap_write_lock(current->mm);
	kunit_warning_suppress(test) {
		hook->call(vma);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	mmap_write_unlock(current->mm);
}

static const char * const backings[] = {
	"backing=paged", "backing=pages", "backing=contig",
};

KUNIT_ARRAY_PARAM(backing, backings, fixture_backing_name);

/* map_pages must not sleep, and a drain of paged waits for a grace period. */
/* ids: LK-65 */
static void map_pages_warns_outside_rcu(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, 4 * PAGE_SIZE, *attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr = fixture_map(test, file, 0, 4 * PAGE_SIZE, PROT_READ);
	struct vm_area_struct *vma;

	if (!IS_ENABLED(CONFIG_PROVE_RCU))
		kunit_skip(test, "this kernel does not know who is under RCU");
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	/* A revoked region maps nothing. */
	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
	guard(mmap_read_lock)(current->mm);
	vma = vma_lookup(current->mm, addr);
	kunit_warning_suppress(test) {
		call_map_pages_outside_rcu(vma);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	kunit_warning_suppress(test) {
		call_map_pages(vma);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

/* ids: LK-27 PA-1 */
static void get_unmapped_area_warns_without_lock(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, 4 * PAGE_SIZE, *attrs);
	struct file *file = fixture_open(test, region, O_RDWR);

	if (!file->f_op->get_unmapped_area)
		kunit_skip(test, "without THP, mm core chooses the address");
	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	/* Without any lock, the tree of VMAs complains as well. */
	scoped_guard(mmap_read_lock, current->mm) {
		kunit_warning_suppress(test) {
			file->f_op->get_unmapped_area(file, 0, PAGE_SIZE, 0,
						      MAP_SHARED);
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
		}
	}
	guard(mmap_write_lock)(current->mm);
	kunit_warning_suppress(test) {
		file->f_op->get_unmapped_area(file, 0, PAGE_SIZE, 0, MAP_SHARED);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
}

static struct kunit_case unlocked_cases[] = {
	KUNIT_CASE_PARAM(hook_warns_without_locks, hook_gen_params),
	KUNIT_CASE_PARAM(map_pages_warns_outside_rcu, backing_gen_params),
	KUNIT_CASE_PARAM(get_unmapped_area_warns_without_lock, backing_gen_params),
	{}
};

static struct kunit_suite unlocked_suite = {
	.name		= "mapdev_unlocked",
	.test_cases	= unlocked_cases,
};

kunit_test_suite(unlocked_suite);
