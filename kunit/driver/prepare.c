// SPDX-License-Identifier: GPL-2.0
/* mmap_prepare on hand-made descriptors: range, flags, no side effect. */
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>

#include "dirty.h"
#include "fixture.h"
#include "region.h"
#include "stats.h"

#define REGION_PAGES 16

struct prepare_fixture {
	struct mapdev_region *region;
	struct file *file;
	struct vm_area_desc desc;
};

/* A descriptor as mm core makes it for a shared read-write mapping. */
static void desc_init(struct prepare_fixture *fx, pgoff_t pgoff,
		      unsigned long pages)
{
	fx->desc = (struct vm_area_desc) {
		.mm		= current->mm,
		.file		= fx->file,
		.vm_file	= fx->file,
		.start		= SZ_1G,
		.end		= SZ_1G + (pages << PAGE_SHIFT),
		.pgoff		= pgoff,
		.private_data	= fx,
	};
	vma_desc_set_flags(&fx->desc, VMA_READ_BIT, VMA_WRITE_BIT,
			   VMA_SHARED_BIT, VMA_MAYREAD_BIT, VMA_MAYWRITE_BIT,
			   VMA_MAYEXEC_BIT, VMA_MAYSHARE_BIT);
}

static int prepare(struct prepare_fixture *fx)
{
	int err;

	mmap_write_lock(current->mm);
	err = fx->file->f_op->mmap_prepare(&fx->desc);
	mmap_write_unlock(current->mm);
	return err;
}

static void fixture_init(struct kunit *test, struct prepare_fixture *fx,
			 const char *attrs)
{
	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	fx->region = fixture_region_with(test, REGION_PAGES * PAGE_SIZE, attrs);
	fx->file = fixture_open(test, fx->region, O_RDWR);
}

struct range_case {
	pgoff_t pgoff;
	unsigned long pages;
	int err;
};

static const struct range_case range_cases[] = {
	{ 0, 1, 0 },
	{ 0, REGION_PAGES, 0 },
	{ REGION_PAGES - 1, 1, 0 },
	{ 0, REGION_PAGES + 1, -EINVAL },
	{ 1, REGION_PAGES, -EINVAL },
	{ REGION_PAGES, 1, -EINVAL },
	{ REGION_PAGES + 1, 1, -EINVAL },
	{ ULONG_MAX, 1, -EINVAL },
	{ ULONG_MAX, 2, -EINVAL },
	{ ULONG_MAX - REGION_PAGES + 1, REGION_PAGES, -EINVAL },
	{ ULONG_MAX >> PAGE_SHIFT, 1, -EINVAL },
};

static void range_case_name(const struct range_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "pgoff %#lx, %lu pages",
		 c->pgoff, c->pages);
}

KUNIT_ARRAY_PARAM(range, range_cases, range_case_name);

/* ids: MP-23 MP-37 */
static void prepare_checks_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct prepare_fixture fx;

	fixture_init(test, &fx, "");
	desc_init(&fx, c->pgoff, c->pages);
	KUNIT_EXPECT_EQ(test, c->err, prepare(&fx));
}

static const struct fields_case {
	const char *attrs;
	vm_flags_t flags;
} fields_cases[] = {
	{ "backing=paged" },
	{ "backing=pages", VM_MIXEDMAP | VM_DONTEXPAND },
	{ "backing=contig", VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP },
};

static void fields_case_name(const struct fields_case *c, char *desc)
{
	fixture_backing_name(&c->attrs, desc);
}

KUNIT_ARRAY_PARAM(fields, fields_cases, fields_case_name);

/*
 * What mmap_prepare sets in the descriptor, flags by their numbers, and what it
 * must not change.
 */
/* ids: MP-17 MP-21 MP-22 MP-24 MP-25 MP-26 */
static void prepare_sets_fields(struct kunit *test)
{
	const struct fields_case *c = test->param_value;
	struct prepare_fixture fx;
	vm_flags_t before;

	fixture_init(test, &fx, c->attrs);
	desc_init(&fx, 3, 4);
	before = vma_flags_to_legacy(fx.desc.vma_flags);
	KUNIT_ASSERT_EQ(test, 0, prepare(&fx));
	KUNIT_EXPECT_EQ(test, (before & ~VM_MAYEXEC) | c->flags,
			vma_flags_to_legacy(fx.desc.vma_flags));

	KUNIT_EXPECT_PTR_EQ(test, NULL, fx.desc.private_data);
	KUNIT_EXPECT_NOT_NULL(test, fx.desc.vm_ops);
	KUNIT_EXPECT_FALSE(test, vma_desc_test(&fx.desc, VMA_MAYEXEC_BIT));
	KUNIT_EXPECT_TRUE(test, vma_desc_test(&fx.desc, VMA_MAYWRITE_BIT));
	KUNIT_EXPECT_PTR_EQ(test, fx.file, fx.desc.vm_file);
	KUNIT_EXPECT_EQ(test, 3, fx.desc.pgoff);
	KUNIT_EXPECT_EQ(test, SZ_1G, fx.desc.start);
	KUNIT_EXPECT_EQ(test, 4, vma_desc_pages(&fx.desc));
	KUNIT_EXPECT_EQ(test, MMAP_NOTHING, fx.desc.action.type);
}

/* Mappings of paged merge, thus no flag and no hook may prevent it. */
/* ids: MP-10 */
static void paged_sets_no_special_flag(struct kunit *test)
{
	struct prepare_fixture fx;

	fixture_init(test, &fx, "");
	desc_init(&fx, 0, 1);
	KUNIT_ASSERT_EQ(test, 0, prepare(&fx));
	KUNIT_EXPECT_FALSE(test, vma_desc_test_any(&fx.desc, VMA_IO_BIT,
						   VMA_PFNMAP_BIT,
						   VMA_MIXEDMAP_BIT,
						   VMA_DONTEXPAND_BIT));
	KUNIT_EXPECT_NULL(test, fx.desc.vm_ops->open);
	KUNIT_EXPECT_NULL(test, fx.desc.vm_ops->close);
}

/* ids: MP-23 */
static void prepare_refuses_exec(struct kunit *test)
{
	struct prepare_fixture fx;

	fixture_init(test, &fx, "");
	desc_init(&fx, 0, 1);
	vma_desc_set_flags(&fx.desc, VMA_EXEC_BIT);
	KUNIT_EXPECT_EQ(test, -EPERM, prepare(&fx));
}

/* ids: MP-29 */
static void ro_refuses_shared_write(struct kunit *test)
{
	struct prepare_fixture fx;

	fixture_init(test, &fx, "ro=1");
	desc_init(&fx, 0, 1);
	KUNIT_EXPECT_EQ(test, -EACCES, prepare(&fx));

	desc_init(&fx, 0, 1);
	vma_desc_clear_flags(&fx.desc, VMA_WRITE_BIT);
	KUNIT_EXPECT_EQ(test, 0, prepare(&fx));
	KUNIT_EXPECT_FALSE(test, vma_desc_test(&fx.desc, VMA_MAYWRITE_BIT));

	/* A private mapping may be written. */
	desc_init(&fx, 0, 1);
	vma_desc_clear_flags(&fx.desc, VMA_SHARED_BIT, VMA_MAYSHARE_BIT);
	KUNIT_EXPECT_EQ(test, 0, prepare(&fx));
	KUNIT_EXPECT_TRUE(test, vma_desc_test(&fx.desc, VMA_MAYWRITE_BIT));
}

/* ids: MP-23 */
static void prepare_refuses_revoked(struct kunit *test)
{
	struct prepare_fixture fx;

	fixture_init(test, &fx, "");
	mapdev_region_revoke(fx.region, MAPDEV_OFF_OWNER);
	desc_init(&fx, 0, 1);
	KUNIT_EXPECT_EQ(test, -ENODEV, prepare(&fx));
}

static const char * const backings[] = {
	"backing=paged", "backing=paged dirty=1", "backing=pages",
	"backing=pages map=eager", "backing=vmalloc", "backing=contig",
	"backing=contig map=eager", "backing=contig pin=1",
};

KUNIT_ARRAY_PARAM(backing, backings, fixture_backing_name);

/* The references of all pages that a mapping could pin. */
static long page_refs(const struct mapdev_region *region)
{
	long refs = 0;

	for (pgoff_t i = 0; region->pages && i < mapdev_pages(region); i++)
		refs += page_ref_count(region->pages[i]);
	return refs;
}

static u64 all_stats(const struct mapdev_region *region)
{
	u64 sum = 0;

	for (int stat = 0; stat < MAPDEV_NR_STATS; stat++)
		sum += mapdev_stat(region, stat);
	return sum;
}

/* Nothing is allocated or referenced, and only the calls are counted. */
/* ids: MP-5 MP-6 */
static void prepare_is_stateless(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct prepare_fixture fx;
	unsigned int refs;
	long files, pages;

	fixture_init(test, &fx, *attrs);
	refs = kref_read(&fx.region->refs);
	files = file_count(fx.file);
	pages = page_refs(fx.region);
	for (int i = 0; i < 1000; i++) {
		desc_init(&fx, 0, REGION_PAGES);
		KUNIT_ASSERT_EQ(test, 0, prepare(&fx));
	}
	KUNIT_EXPECT_EQ(test, refs, kref_read(&fx.region->refs));
	KUNIT_EXPECT_EQ(test, files, file_count(fx.file));
	KUNIT_EXPECT_EQ(test, pages, page_refs(fx.region));
	KUNIT_EXPECT_EQ(test, 0, fx.region->inode->i_mapping->nrpages);
	KUNIT_EXPECT_FALSE(test, mapdev_dirty_pending(fx.region));
	KUNIT_EXPECT_EQ(test, 1000,
			mapdev_stat(fx.region, MAPDEV_STAT_PREPARE));
	KUNIT_EXPECT_EQ(test, 1000, all_stats(fx.region));
}

/* The hook warns if mmap_lock is not held for writing. */
/* ids: PA-1 */
static void prepare_asserts_mmap_lock(struct kunit *test)
{
	struct prepare_fixture fx;

	fixture_init(test, &fx, "");
	desc_init(&fx, 0, 1);
	kunit_warning_suppress(test) {
		fx.file->f_op->mmap_prepare(&fx.desc);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

/* ids: MP-1 MP-2 MP-16 */
static void region_has_only_mmap_prepare(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);

	KUNIT_EXPECT_NOT_NULL(test, file->f_op->mmap_prepare);
	KUNIT_EXPECT_NULL(test, file->f_op->mmap);
	KUNIT_EXPECT_TRUE(test, can_mmap_file(file));
}

static struct kunit_case prepare_cases[] = {
	KUNIT_CASE(region_has_only_mmap_prepare),
	KUNIT_CASE_PARAM(prepare_checks_range, range_gen_params),
	KUNIT_CASE_PARAM(prepare_sets_fields, fields_gen_params),
	KUNIT_CASE(paged_sets_no_special_flag),
	KUNIT_CASE(prepare_refuses_exec),
	KUNIT_CASE(ro_refuses_shared_write),
	KUNIT_CASE(prepare_refuses_revoked),
	KUNIT_CASE_PARAM(prepare_is_stateless, backing_gen_params),
	KUNIT_CASE(prepare_asserts_mmap_lock),
	{}
};

static struct kunit_suite prepare_suite = {
	.name		= "mapdev_prepare",
	.test_cases	= prepare_cases,
};

kunit_test_suite(prepare_suite);
