// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that replaced those of the kernel's older documents and that the
 * driver does not call: see "The old names" in Documentation/driver-api/porting.rst.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>

#include "fixture.h"

#define REGION_SIZE (4 * PAGE_SIZE)

static const char * const backings[] = {
	"backing=paged", "backing=pages", "backing=contig",
};

KUNIT_ARRAY_PARAM(backing, backings, fixture_backing_name);

/* init, which has an mm, unlike a kernel thread. */
static struct task_struct *first_process(void)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_PID);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

static unsigned long map_into(struct mm_struct *mm, struct file *file)
{
	unsigned long addr;

	kthread_use_mm(mm);
	addr = vm_mmap(file, 0, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		       0);
	/* Unmap the fourth page, so that the mapping has an end. */
	if (!IS_ERR_VALUE(addr))
		vm_munmap(addr + 3 * PAGE_SIZE, PAGE_SIZE);
	kthread_unuse_mm(mm);
	return addr;
}

static void unmap_from(struct mm_struct *mm, unsigned long addr)
{
	kthread_use_mm(mm);
	vm_munmap(addr, 3 * PAGE_SIZE);
	kthread_unuse_mm(mm);
}

/*
 * It goes by GUP, or by ->access where there is no struct page; across pages,
 * and up to the end of the mapping (ME-48, access_remote_vm()).
 */
/* ids: ME-48 ME-49 */
static void access_process_vm_stops_at_end(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct mapdev_region *region =
		fixture_region_with(test, REGION_SIZE, *attrs);
	struct file *file = fixture_open(test, region, O_RDWR);
	struct task_struct *task = first_process();
	char got[4] = "";
	struct mm_struct *mm;
	unsigned long addr;
	loff_t pos;

	KUNIT_ASSERT_NOT_NULL(test, task);
	mm = get_task_mm(task);
	KUNIT_ASSERT_NOT_NULL(test, mm);
	addr = map_into(mm, file);
	if (IS_ERR_VALUE(addr)) {
		KUNIT_FAIL(test, "mmap: %ld", (long)addr);
		goto put;
	}

	KUNIT_EXPECT_EQ(test, 4,
			access_process_vm(task, addr + PAGE_SIZE - 2, "abcd", 4,
					  FOLL_WRITE));
	pos = PAGE_SIZE - 2;
	KUNIT_EXPECT_EQ(test, 4, kernel_read(file, got, 4, &pos));
	KUNIT_EXPECT_MEMEQ(test, got, "abcd", 4);
	memset(got, 0, sizeof(got));
	KUNIT_EXPECT_EQ(test, 4,
			access_process_vm(task, addr + PAGE_SIZE - 2, got, 4, 0));
	KUNIT_EXPECT_MEMEQ(test, got, "abcd", 4);
	KUNIT_EXPECT_EQ(test, 1,
			access_process_vm(task, addr + 3 * PAGE_SIZE - 1, got,
					  4, 0));
	KUNIT_EXPECT_EQ(test, 0,
			access_process_vm(task, addr + 3 * PAGE_SIZE, got, 4,
					  0));
	unmap_from(mm, addr);
put:
	mmput(mm);
	put_task_struct(task);
}

/* Map a region, fault all pages in and take mmap_lock. Returns the VMA. */
static struct vm_area_struct *map_populated(struct kunit *test, const char *attrs,
					    unsigned long *addr)
{
	struct mapdev_region *region =
		fixture_region_with(test, REGION_SIZE, attrs);
	struct file *file = fixture_open(test, region, O_RDWR);

	*addr = fixture_map(test, file, 0, REGION_SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(*addr));
	KUNIT_ASSERT_EQ(test, 0, clear_user((u8 __user *)*addr, REGION_SIZE));
	mmap_read_lock(current->mm);
	return vma_lookup(current->mm, *addr);
}

/*
 * The pages are unmapped, and can be faulted in again (ME-4 to ME-6,
 * zap_page_range()).
 */
/* ids: ME-4 ME-5 */
static void zap_vma_range_unmaps_part(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct vm_area_struct *vma;
	unsigned long addr;
	u8 byte = 1;

	vma = map_populated(test, *attrs, &addr);
	zap_vma_range(vma, addr + PAGE_SIZE, 2 * PAGE_SIZE);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr + 2 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr + 3 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0,
			get_user(byte, (u8 __user *)(addr + PAGE_SIZE)));
	KUNIT_EXPECT_EQ(test, 0, byte);
}

/*
 * Only special mappings, and only a range inside the VMA (ME-7,
 * zap_vma_ptes()).
 */
/* ids: ME-6 ME-7 ME-8 */
static void zap_special_vma_range_checks_vma(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	bool special = strcmp(*attrs, "backing=paged");
	struct vm_area_struct *vma;
	unsigned long addr;

	vma = map_populated(test, *attrs, &addr);
	zap_special_vma_range(vma, addr, REGION_SIZE + PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	zap_special_vma_range(vma, addr, PAGE_SIZE);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, !special, fixture_is_present(addr));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr + PAGE_SIZE));
}

static struct kunit_case names_cases[] = {
	KUNIT_CASE_PARAM(access_process_vm_stops_at_end, backing_gen_params),
	KUNIT_CASE_PARAM(zap_vma_range_unmaps_part, backing_gen_params),
	KUNIT_CASE_PARAM(zap_special_vma_range_checks_vma, backing_gen_params),
	{}
};

static struct kunit_suite names_suite = {
	.name		= "mapdev_names",
	.test_cases	= names_cases,
};

kunit_test_suite(names_suite);
