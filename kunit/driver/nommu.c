// SPDX-License-Identifier: GPL-2.0
/*
 * Without an MMU: what mm core asks a driver, and how it uses the answers. Some
 * cases replace one hook of the node.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "fixture.h"
#include "region.h"
#include "stats.h"

#define REGION_PAGES	4
#define REGION_SIZE	(REGION_PAGES * PAGE_SIZE)

/* Memory that the test kernel does not use: scripts/vm/riscv64.dtso. */
static const char * const backings[] = {
	"backing=vmalloc", "backing=contig", "backing=contig pin=1",
	"backing=window phys=0x8c000000",
};

KUNIT_ARRAY_PARAM(backing, backings, fixture_backing_name);

struct nommu_fixture {
	struct mapdev_region *region;
	struct file *file;
	struct file_operations *ops;	/* of the file; a case may change them */
};

/*
 * Give this thread an mm, which ends with it: kunit_attach_mm() needs an MMU.
 */
static void attach_mm(struct kunit *test)
{
	struct mm_struct *mm = mm_alloc();

	KUNIT_ASSERT_NOT_NULL(test, mm);
	kthread_use_mm(mm);
}

static void fixture_init(struct kunit *test, struct nommu_fixture *fx,
			 const char *attrs)
{
	struct file *file;

	attach_mm(test);
	fx->region = fixture_region_with(test, REGION_SIZE, attrs);
	file = fixture_open(test, fx->region, O_RDWR);
	/*
	 * Allocated before the file is opened, and thus freed after it is
	 * closed.
	 */
	fx->ops = kunit_kmalloc(test, sizeof(*fx->ops), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx->ops);
	*fx->ops = *file->f_op;
	fx->file = fixture_open(test, fx->region, O_RDWR);
	fx->file->f_op = fx->ops;
}

/* Returns an address or an errno. */
static long map(struct nommu_fixture *fx, unsigned long prot,
		unsigned long flags)
{
	return vm_mmap(fx->file, 0, REGION_SIZE, prot, flags, 0);
}

static u64 prepared(struct nommu_fixture *fx)
{
	return mapdev_stat(fx->region, MAPDEV_STAT_PREPARE);
}

/* The first byte of the region, by read(2) and write(2). */
static u8 region_byte(struct nommu_fixture *fx)
{
	loff_t pos = 0;
	u8 byte = 0;

	kernel_read(fx->file, &byte, 1, &pos);
	return byte;
}

static void set_region_byte(struct nommu_fixture *fx, u8 byte)
{
	loff_t pos = 0;

	kernel_write(fx->file, &byte, 1, &pos);
}

/* The mapping at @addr is a copy: it keeps the old byte of the region. */
static void expect_copy(struct kunit *test, struct nommu_fixture *fx, long addr)
{
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	set_region_byte(fx, 43);
	KUNIT_EXPECT_EQ(test, 42, *(u8 *)addr);
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx->region, MAPDEV_STAT_MAPPED));
}

/* --- The hooks of mapdev --- */

/* ids: NM-30 */
static void get_unmapped_area_returns_data(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct nommu_fixture fx;
	loff_t pos = PAGE_SIZE + 3;
	unsigned long addr;

	fixture_init(test, &fx, *attrs);
	KUNIT_ASSERT_EQ(test, 1, kernel_write(fx.file, "x", 1, &pos));
	addr = fx.ops->get_unmapped_area(fx.file, 0, REGION_SIZE - PAGE_SIZE, 1,
					 MAP_SHARED);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 'x', *(char *)(addr + 3));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)fx.ops->get_unmapped_area(fx.file, 0, REGION_SIZE,
							1, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)fx.ops->get_unmapped_area(fx.file, 0, PAGE_SIZE,
							ULONG_MAX, MAP_SHARED));
}

/* Call mmap_prepare with a descriptor of the whole region. */
static int prepare(struct nommu_fixture *fx, struct vm_area_desc *desc,
		   int shared)
{
	int err;

	*desc = (struct vm_area_desc) {
		.mm		= current->mm,
		.file		= fx->file,
		.vm_file	= fx->file,
		.start		= SZ_1G,
		.end		= SZ_1G + REGION_SIZE,
	};
	vma_desc_set_flags(desc, VMA_READ_BIT, VMA_MAYREAD_BIT,
			   VMA_MAYEXEC_BIT);
	if (shared)
		vma_desc_set_flags(desc, VMA_SHARED_BIT, VMA_MAYSHARE_BIT);
	mmap_write_lock(current->mm);
	err = fx->ops->mmap_prepare(desc);
	mmap_write_unlock(current->mm);
	return err;
}

/*
 * No action, which mm core would refuse. VM_PFNMAP only without struct pages.
 */
/* ids: NM-32 */
static void prepare_maps_shared(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct vm_area_desc desc;
	struct nommu_fixture fx;

	fixture_init(test, &fx, *attrs);
	KUNIT_ASSERT_EQ(test, 0, prepare(&fx, &desc, true));
	KUNIT_EXPECT_EQ(test, MMAP_NOTHING, desc.action.type);
	KUNIT_EXPECT_NOT_NULL(test, desc.vm_ops->close);
	KUNIT_EXPECT_NULL(test, desc.vm_ops->fault);
	KUNIT_EXPECT_TRUE(test, vma_desc_test(&desc, VMA_DONTEXPAND_BIT));
	KUNIT_EXPECT_FALSE(test, vma_desc_test(&desc, VMA_MAYEXEC_BIT));
	KUNIT_EXPECT_EQ(test, fx.region->pfn && !fx.region->attrs.pin,
			vma_desc_test(&desc, VMA_PFNMAP_BIT));
}

/* -ENOSYS makes mm core copy. */
/* ids: NM-32 */
static void prepare_private_asks_for_copy(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct vm_area_desc desc;
	struct nommu_fixture fx;

	fixture_init(test, &fx, *attrs);
	KUNIT_EXPECT_EQ(test, -ENOSYS, prepare(&fx, &desc, false));
	KUNIT_EXPECT_NULL(test, desc.vm_ops);
}

/* A revoke comes between mmap_prepare and mapped. */
/* ids: NM-33 */
static void mapped_fails_after_revoke(struct kunit *test)
{
	struct vm_area_struct vma = {};
	struct vm_area_desc desc;
	struct nommu_fixture fx;
	void *token = NULL;

	fixture_init(test, &fx, "");
	KUNIT_ASSERT_EQ(test, 0, prepare(&fx, &desc, true));
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT));
	mmap_write_lock(current->mm);
	KUNIT_EXPECT_EQ(test, -ENODEV,
			desc.vm_ops->mapped(desc.start, desc.end, 0, fx.file,
					    &token));
	KUNIT_EXPECT_NULL(test, token);
	vma.vm_mm = current->mm;
	desc.vm_ops->close(&vma);
	mmap_write_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx.region, MAPDEV_STAT_MAPPED));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx.region, MAPDEV_STAT_CLOSE));
}

/* --- Other answers --- */

/* For a char device, mm core assumes a shared mapping, no exec, no copy. */
/* ids: LK-32 NM-31 */
static void default_capabilities_refuse_copy(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	fx.ops->mmap_capabilities = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			map(&fx, PROT_READ | PROT_EXEC, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, -ENODEV, map(&fx, PROT_READ, MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, 0, prepared(&fx));
	KUNIT_EXPECT_EQ(test, (long)fx.region->address,
			map(&fx, PROT_READ | PROT_WRITE, MAP_SHARED));
}

/* ids: NM-9 NM-30 */
static void mmap_needs_get_unmapped_area(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	fx.ops->get_unmapped_area = NULL;
	KUNIT_EXPECT_EQ(test, -ENODEV, map(&fx, PROT_READ, MAP_SHARED));
	KUNIT_EXPECT_EQ(test, 0, prepared(&fx));
}

/* ids: NM-18 */
static void private_mmap_needs_read(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	/* mm core checks for the hook when the file is opened. */
	fx.ops->read_iter = NULL;
	fx.file->f_mode &= ~FMODE_CAN_READ;
	KUNIT_EXPECT_EQ(test, -ENODEV,
			map(&fx, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, (long)fx.region->address,
			map(&fx, PROT_READ, MAP_SHARED));
}

static unsigned long no_address(struct file *file, unsigned long addr,
				unsigned long len, unsigned long pgoff,
				unsigned long flags)
{
	return -ENOSYS;
}

static unsigned int no_copies(struct file *file)
{
	return NOMMU_MAP_DIRECT | NOMMU_MAP_READ | NOMMU_MAP_WRITE;
}

/* ids: NM-35 */
static void enosys_address_gives_copy(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	set_region_byte(&fx, 42);
	fx.ops->get_unmapped_area = no_address;
	KUNIT_EXPECT_EQ(test, -ENODEV, map(&fx, PROT_READ, MAP_SHARED));
	expect_copy(test, &fx, map(&fx, PROT_READ, MAP_PRIVATE));
	fx.ops->mmap_capabilities = no_copies;
	KUNIT_EXPECT_EQ(test, -ENODEV, map(&fx, PROT_READ, MAP_PRIVATE));
	KUNIT_EXPECT_EQ(test, 0, prepared(&fx));
}

static int remaps(struct vm_area_desc *desc)
{
	mmap_action_remap_full(desc, PHYS_PFN(SZ_2G));
	return 0;
}

/* mm core supports no action, and warns. */
/* ids: NM-32 */
static void mmap_refuses_action(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	fx.ops->mmap_prepare = remaps;
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, -EINVAL, map(&fx, PROT_READ, MAP_SHARED));
	}
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx.region, MAPDEV_STAT_MAPPED));
}

static int no_mapping(struct vm_area_desc *desc)
{
	return -ENOSYS;
}

/* ids: NM-4 NM-32 */
static void enosys_prepare_gives_copy(struct kunit *test)
{
	struct nommu_fixture fx;

	fixture_init(test, &fx, "");
	set_region_byte(&fx, 42);
	fx.ops->mmap_prepare = no_mapping;
	KUNIT_EXPECT_EQ(test, -ENODEV, map(&fx, PROT_READ, MAP_SHARED));
	expect_copy(test, &fx, map(&fx, PROT_READ, MAP_PRIVATE));
}

/*
 * mm core copies a private executable mapping, and then hands the copy to
 * shared mappings of the same range. Therefore mapdev advertises exec, and
 * refuses it in mmap_prepare.
 */
/* ids: NM-4 */
static void shared_mmap_reuses_private_copy(struct kunit *test)
{
	struct nommu_fixture fx;
	struct mm_struct *first;
	long copy, shared;

	fixture_init(test, &fx, "");
	KUNIT_EXPECT_EQ(test, -EPERM,
			map(&fx, PROT_READ | PROT_EXEC, MAP_PRIVATE));
	fx.ops->get_unmapped_area = no_address;
	copy = map(&fx, PROT_READ, MAP_PRIVATE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(copy));
	first = current->mm;
	kthread_unuse_mm(first);
	attach_mm(test);
	shared = map(&fx, PROT_READ | PROT_WRITE, MAP_SHARED);
	mmput(first);
	KUNIT_EXPECT_EQ(test, copy, shared);
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx.region, MAPDEV_STAT_MAPPED));
	KUNIT_EXPECT_EQ(test, 0, region_byte(&fx));
}

static struct kunit_case nommu_cases[] = {
	KUNIT_CASE_PARAM(get_unmapped_area_returns_data, backing_gen_params),
	KUNIT_CASE_PARAM(prepare_maps_shared, backing_gen_params),
	KUNIT_CASE_PARAM(prepare_private_asks_for_copy, backing_gen_params),
	KUNIT_CASE(mapped_fails_after_revoke),
	KUNIT_CASE(default_capabilities_refuse_copy),
	KUNIT_CASE(mmap_needs_get_unmapped_area),
	KUNIT_CASE(private_mmap_needs_read),
	KUNIT_CASE(enosys_address_gives_copy),
	KUNIT_CASE(mmap_refuses_action),
	KUNIT_CASE(enosys_prepare_gives_copy),
	KUNIT_CASE(shared_mmap_reuses_private_copy),
	{}
};

static struct kunit_suite nommu_suite = {
	.name		= "mapdev_nommu",
	.test_cases	= nommu_cases,
};

kunit_test_suite(nommu_suite);
