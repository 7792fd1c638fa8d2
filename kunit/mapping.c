// SPDX-License-Identifier: GPL-2.0
/* Real mappings: what is mapped, under which locks, and how it goes away. */
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "fixture.h"

#define REGION_SIZE SZ_256K

struct mapping_fixture {
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
};

static void fixture_init(struct kunit *test, struct mapping_fixture *fx)
{
	unsigned long addr;

	fx->region = fixture_region(test, REGION_SIZE);
	fx->file = fixture_open(test, fx->region, O_RDWR);
	addr = fixture_map(test, fx->file, 0, REGION_SIZE,
			   PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	fx->user = (u8 __user *)addr;
}

/* What is stored through the mapping is what read(2) finds, and back. */
static void store_and_load(struct kunit *test)
{
	struct mapping_fixture fx;
	loff_t pos = PAGE_SIZE + 7;
	u8 byte = 0;

	fixture_init(test, &fx);
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)42, fx.user + pos));
	KUNIT_EXPECT_EQ(test, 1, kernel_read(fx.file, &byte, 1, &pos));
	KUNIT_EXPECT_EQ(test, 42, byte);

	byte = 43;
	KUNIT_EXPECT_EQ(test, 1, kernel_write(fx.file, &byte, 1, &pos));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user + PAGE_SIZE + 8));
	KUNIT_EXPECT_EQ(test, 43, byte);
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, 0, byte);
}

static void vma_is_as_prepared(struct kunit *test)
{
	struct mapping_fixture fx;
	struct vm_area_struct *vma;

	fixture_init(test, &fx);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	KUNIT_EXPECT_PTR_EQ(test, fx.file, vma->vm_file);
	KUNIT_EXPECT_NULL(test, vma->vm_private_data);
	KUNIT_EXPECT_NOT_NULL(test, vma->vm_ops->fault);
	KUNIT_EXPECT_FALSE(test, vma->vm_flags & (VM_SPECIAL | VM_MAYEXEC));
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(fx.region, MAPDEV_STAT_MAPPED));
}

static void past_the_end(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, REGION_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)fixture_map(test, file, PAGE_SIZE, REGION_SIZE,
					  PROT_READ));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(region, MAPDEV_STAT_MAPPED));
}

/* The errors of a fault that comes with the VMA lock and no other. */
static vm_fault_t fault_under_vma_lock(struct kunit *test, unsigned long addr,
				       unsigned int flags)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(current->mm, addr);
	vm_fault_t ret;

	KUNIT_ASSERT_NOT_NULL(test, vma);
	ret = handle_mm_fault(vma, addr, FAULT_FLAG_DEFAULT |
			      FAULT_FLAG_VMA_LOCK | flags, NULL);
	if (!(ret & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		vma_end_read(vma);
	return ret & (VM_FAULT_ERROR | VM_FAULT_RETRY);
}

/* LK-54: with map_pages set, fault needs no more than the VMA lock. */
static void faults_under_vma_lock(struct kunit *test)
{
	struct mapping_fixture fx;

	if (!IS_ENABLED(CONFIG_PER_VMA_LOCK))
		kunit_skip(test, "this architecture has no VMA lock");
	fixture_init(test, &fx);
	KUNIT_EXPECT_FALSE(test,
			   fault_under_vma_lock(test, (unsigned long)fx.user,
						FAULT_FLAG_WRITE));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(fx.region, MAPDEV_STAT_FAULT));
	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS &
			  fault_under_vma_lock(test, (unsigned long)fx.user, 0));
}

/* A second mapping of what is there is filled around the touch, by no fault. */
static void maps_around_a_read(struct kunit *test)
{
	struct mapping_fixture fx;
	unsigned long addr;
	u64 faults;
	u8 byte;

	fixture_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 0, clear_user(fx.user, REGION_SIZE));
	faults = mapdev_stat(fx.region, MAPDEV_STAT_FAULT);

	addr = fixture_map(test, fx.file, 0, REGION_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_EQ(test, faults,
			mapdev_stat(fx.region, MAPDEV_STAT_FAULT));
}

static void revoke_takes_mappings(struct kunit *test)
{
	struct mapping_fixture fx;
	u8 byte = 42;

	fixture_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 0, put_user(byte, fx.user));

	KUNIT_EXPECT_EQ(test, 0, mapdev_region_revoke(fx.region,
						      MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, -EFAULT, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, -EFAULT, put_user(byte, fx.user + PAGE_SIZE));

	KUNIT_EXPECT_EQ(test, 0, mapdev_region_restore(fx.region,
						       MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, 42, byte);
}

/* The callbacks notice callers without the locks that core holds. */
static void asserts_locks(struct kunit *test)
{
	const struct vm_operations_struct *ops;
	struct mapping_fixture fx;
	struct vm_area_struct *vma;
	void *private = NULL;

	fixture_init(test, &fx);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	mmap_read_unlock(current->mm);
	ops = vma->vm_ops;

	kunit_warning_suppress(test) {
		ops->mapped(vma->vm_start, vma->vm_end, 0, fx.file, &private);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	kunit_warning_suppress(test) {
		struct vm_fault vmf = {
			.vma		= vma,
			.address	= vma->vm_start,
		};

		if (ops->fault(&vmf) == VM_FAULT_LOCKED) {
			unlock_page(vmf.page);
			put_page(vmf.page);
		}
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

static struct kunit_case mapping_cases[] = {
	KUNIT_CASE(store_and_load),
	KUNIT_CASE(vma_is_as_prepared),
	KUNIT_CASE(past_the_end),
	KUNIT_CASE(faults_under_vma_lock),
	KUNIT_CASE(maps_around_a_read),
	KUNIT_CASE(revoke_takes_mappings),
	KUNIT_CASE(asserts_locks),
	{}
};

static struct kunit_suite mapping_suite = {
	.name		= "mapdev_mapping",
	.test_cases	= mapping_cases,
};

kunit_test_suite(mapping_suite);
