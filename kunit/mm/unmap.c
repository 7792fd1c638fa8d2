// SPDX-License-Identifier: GPL-2.0
/*
 * unmap_mapping_pages() and apply_to_page_range(), on a file whose fault() hands
 * out pages: what they do to the entries of a mapping, and what they leave.
 */
#include <linux/anon_inodes.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "bare.h"

#define PAGES	4
#define SIZE	(PAGES * PAGE_SIZE)

/* fault() hands out the pages of an array. */
static vm_fault_t array_fault(struct vm_fault *vmf)
{
	struct page **pages = vmf->vma->vm_file->private_data;

	if (vmf->pgoff >= PAGES)
		return VM_FAULT_SIGBUS;
	vmf->page = pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct array_vm_ops = {
	.fault = array_fault,
};

static int array_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &array_vm_ops;
	return 0;
}

static const struct file_operations array_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= array_mmap_prepare,
};

/* Map all pages of a new file. */
static unsigned long map_array(struct kunit *test, struct page **pages, int flags,
			       struct address_space **mapping)
{
	struct file *file;
	unsigned long addr;

	for (int i = 0; i < PAGES; i++)
		pages[i] = bare_pages(test, GFP_KERNEL, 0);
	/* An inode, and thus a mapping, of its own. */
	file = fixture_keep(test, anon_inode_create_getfile("[kunit-array]",
							    &array_fops, pages,
							    O_RDWR, NULL));
	*mapping = file->f_mapping;
	addr = kunit_vm_mmap(test, file, 0, SIZE, PROT_READ | PROT_WRITE, flags,
			     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/* Write to each page. */
static void touch_array(struct kunit *test, u8 __user *user)
{
	for (int i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user((u8)42, user + i * PAGE_SIZE));
}

/* --- unmap_mapping_pages() --- */

struct hole {
	pgoff_t start, count;
	unsigned int gone;	/* a bit for each unmapped page */
};

static const struct hole holes[] = {
	{ 0, 1, 0x1 },
	{ 1, 2, 0x6 },
	{ 3, 1, 0x8 },
	{ 3, 100, 0x8 },
	{ 2, 0, 0xc },
	{ 0, 0, 0xf },
	{ 4, 0, 0 },
};

static void hole_name(const struct hole *hole, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu from %lu", hole->count,
		 hole->start);
}

KUNIT_ARRAY_PARAM(hole, holes, hole_name);

/* Pages are counted, not bytes; a count of 0 means up to the end. */
/* ids: PA-30 ME-34 ME-37 */
static void unmap_mapping_pages_unmaps_range(struct kunit *test)
{
	const struct hole *hole = test->param_value;
	struct address_space *mapping;
	struct page *pages[PAGES];
	unsigned long addr = map_array(test, pages, MAP_SHARED, &mapping);

	touch_array(test, (u8 __user *)addr);
	unmap_mapping_pages(mapping, hole->start, hole->count, false);
	for (int i = 0; i < PAGES; i++) {
		bool gone = hole->gone & BIT(i);

		KUNIT_EXPECT_EQ(test, !gone,
				fixture_is_present(addr + i * PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, gone ? 1 : 2, page_count(pages[i]));
	}
	vm_munmap(addr, SIZE);
}

/* Private copies are kept unless even_cows is set. */
/* ids: ME-38 ME-39 */
static void unmap_mapping_pages_keeps_copies(struct kunit *test)
{
	struct address_space *mapping;
	struct page *pages[PAGES];
	unsigned long addr = map_array(test, pages, MAP_PRIVATE, &mapping);
	u8 byte = 0;

	touch_array(test, (u8 __user *)addr);
	unmap_mapping_pages(mapping, 0, 0, false);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 42, byte);
	unmap_mapping_pages(mapping, 0, 1, true);
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	vm_munmap(addr, SIZE);
}

/* --- Private copies --- */

/*
 * The first copy, and no read, brings the mapping into a second tree. It stays in
 * the first, so that rmap finds it either way.
 */
/* ids: PA-26 PA-27 */
static void first_copy_sets_anon_vma(struct kunit *test)
{
	struct address_space *mapping;
	struct vm_area_struct *vma;
	struct page *pages[PAGES];
	u8 __user *user;
	u8 byte;

	user = (u8 __user *)map_array(test, pages, MAP_PRIVATE, &mapping);
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&byte, user, 1));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, (unsigned long)user);
	KUNIT_EXPECT_NULL(test, vma->anon_vma);
	mmap_read_unlock(current->mm);

	KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, user));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, (unsigned long)user);
	KUNIT_EXPECT_NOT_NULL(test, vma->anon_vma);
	KUNIT_EXPECT_FALSE(test, list_empty(&vma->anon_vma_chain));
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 0, *(u8 *)page_address(pages[0]));
	KUNIT_EXPECT_TRUE(test, mapping_mapped(mapping));
	unmap_mapping_pages(mapping, 0, 1, true);
	KUNIT_EXPECT_FALSE(test, fixture_is_present((unsigned long)user));
	vm_munmap((unsigned long)user, SIZE);

	user = (u8 __user *)map_array(test, pages, MAP_SHARED, &mapping);
	touch_array(test, user);
	mmap_read_lock(current->mm);
	vma = bare_vma(test, (unsigned long)user);
	KUNIT_EXPECT_NULL(test, vma->anon_vma);
	mmap_read_unlock(current->mm);
	vm_munmap((unsigned long)user, SIZE);
}

/* --- apply_to_page_range() --- */

/* The addresses in turn; it fails at the one of page @fails. */
struct applied {
	unsigned long start;
	unsigned int calls, present;
	unsigned int fails;
};

static int apply(pte_t *pte, unsigned long addr, void *data)
{
	struct applied *applied = data;

	if (addr != applied->start + applied->calls * PAGE_SIZE)
		return -EILSEQ;
	if (applied->calls == applied->fails)
		return -EAGAIN;
	applied->calls++;
	applied->present += !pte_none(ptep_get(pte));
	return 0;
}

/*
 * It calls the function for each entry, and for those of page tables that it
 * allocates itself, under mmap_lock; the first error ends it.
 */
/* ids: PA-28 PA-29 PA-41 */
static void apply_to_page_range_visits_entries(struct kunit *test)
{
	struct applied applied = { .fails = PAGES };
	struct address_space *mapping;
	struct page *pages[PAGES];

	applied.start = map_array(test, pages, MAP_SHARED, &mapping);
	touch_array(test, (u8 __user *)applied.start);
	unmap_mapping_pages(mapping, 1, 1, false);
	scoped_guard(mmap_read_lock, current->mm)
		KUNIT_EXPECT_EQ(test, 0,
				apply_to_page_range(current->mm, applied.start,
						    SIZE, apply, &applied));
	KUNIT_EXPECT_EQ(test, PAGES, applied.calls);
	KUNIT_EXPECT_EQ(test, PAGES - 1, applied.present);

	applied.calls = 0;
	applied.fails = 2;
	scoped_guard(mmap_read_lock, current->mm)
		KUNIT_EXPECT_EQ(test, -EAGAIN,
				apply_to_page_range(current->mm, applied.start,
						    SIZE, apply, &applied));
	KUNIT_EXPECT_EQ(test, 2, applied.calls);
	vm_munmap(applied.start, SIZE);
}

/* Without a function, it allocates the page tables, and no more. */
/* ids: PA-29 PA-41 */
static void apply_to_page_range_allocates_tables(struct kunit *test)
{
	struct applied applied = { .fails = 2 * PTRS_PER_PTE };
	struct file *file = bare_open(test, &bare_mixed_fops, NULL);
	unsigned long addr, tables, size = 2 * PMD_SIZE;

	addr = fixture_map(test, file, 0, 2 * size, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	applied.start = ALIGN(addr, PMD_SIZE);
	mmap_read_lock(current->mm);
	tables = mm_pgtables_bytes(current->mm);
	KUNIT_EXPECT_EQ(test, 0, apply_to_page_range(current->mm, applied.start,
						     size, NULL, NULL));
	KUNIT_EXPECT_LE(test, tables + 2 * PTRS_PER_PTE * sizeof(pte_t),
			mm_pgtables_bytes(current->mm));
	tables = mm_pgtables_bytes(current->mm);
	KUNIT_EXPECT_EQ(test, 0, apply_to_page_range(current->mm, applied.start,
						     size, apply, &applied));
	KUNIT_EXPECT_EQ(test, tables, mm_pgtables_bytes(current->mm));
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 2 * PTRS_PER_PTE, applied.calls);
	KUNIT_EXPECT_EQ(test, 0, applied.present);
	vm_munmap(addr, 2 * size);
}

static struct kunit_case unmap_cases[] = {
	KUNIT_CASE_PARAM(unmap_mapping_pages_unmaps_range, hole_gen_params),
	KUNIT_CASE(unmap_mapping_pages_keeps_copies),
	KUNIT_CASE(first_copy_sets_anon_vma),
	KUNIT_CASE(apply_to_page_range_visits_entries),
	KUNIT_CASE(apply_to_page_range_allocates_tables),
	{}
};

static struct kunit_suite unmap_suite = {
	.name		= "mapdev_unmap",
	.test_cases	= unmap_cases,
};

kunit_test_suite(unmap_suite);
