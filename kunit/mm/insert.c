// SPDX-License-Identifier: GPL-2.0
/*
 * The functions that insert pages and page frames: what they accept, what they
 * refuse, and what the page table holds afterwards.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bare.h"

#define PAGES 4
#define RW (PROT_READ | PROT_WRITE)

/* Map PAGES pages and take mmap_lock, which bare_unlock() releases. */
static struct vm_area_struct *map_bare(struct kunit *test,
				       const struct file_operations *fops,
				       int flags, int prot, pgoff_t pgoff)
{
	struct file *file = bare_open(test, fops, NULL);
	unsigned long addr = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE,
					   prot, flags, pgoff << PAGE_SHIFT);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	return bare_vma(test, addr);
}

static void bare_unlock(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long addr = vma->vm_start;

	mmap_read_unlock(mm);
	vm_munmap(addr, PAGES * PAGE_SIZE);
}

/* GUP finds the inserted page. The entry has the protection of the VMA. */
/* ids: ME-9 ME-11 ME-12 ME-14 */
static void insert_page_is_found_by_gup(struct kunit *test)
{
	struct page *page = bare_pages(test, GFP_HIGHUSER, 0), *found = NULL;
	struct vm_area_struct *vma;
	int refs = page_count(page);
	int locked = 1;

	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, PROT_READ, 0);
	KUNIT_EXPECT_FALSE(test, PageReserved(page));
	KUNIT_EXPECT_EQ(test, 0, vm_insert_page(vma, vma->vm_start, page));
	KUNIT_EXPECT_EQ(test, refs + 1, page_count(page));
	KUNIT_EXPECT_EQ(test, 1,
			get_user_pages_remote(current->mm, vma->vm_start, 1, 0,
					      &found, &locked));
	KUNIT_EXPECT_PTR_EQ(test, page, found);
	if (found)
		put_page(found);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(vma->vm_start));
	/* The mapping is read-only. */
	KUNIT_EXPECT_NE(test, 0,
			copy_to_user_nofault((void __user *)vma->vm_start, "x",
					     1));
	bare_unlock(vma);
	KUNIT_EXPECT_EQ(test, refs, page_count(page));
}

/*
 * In ->mmap, mmap_lock is held for writing: vm_insert_page() sets VM_MIXEDMAP.
 */
static int inserting_mmap(struct file *file, struct vm_area_struct *vma)
{
	mmap_assert_write_locked(vma->vm_mm);
	return vm_insert_page(vma, vma->vm_start, file->private_data);
}

static const struct file_operations inserting_fops = {
	.owner	= THIS_MODULE,
	.mmap	= inserting_mmap,
};

/* ids: LK-19 ME-13 */
static void insert_page_sets_mixedmap_in_mmap(struct kunit *test)
{
	struct page *page = bare_pages(test, GFP_HIGHUSER, 0);
	struct file *file = bare_open(test, &inserting_fops, page);
	struct vm_area_struct *vma;
	unsigned long addr;

	addr = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE, RW, MAP_SHARED,
			     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	KUNIT_EXPECT_TRUE(test, vma->vm_flags & VM_MIXEDMAP);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr + PAGE_SIZE));
	bare_unlock(vma);
}

/* ids: ME-10 ME-15 */
static void insert_page_refuses(struct kunit *test)
{
	struct page *page = bare_pages(test, GFP_KERNEL, 0);
	struct page *tails = bare_pages(test, GFP_KERNEL, 1);
	void *object = kunit_kmalloc(test, 64, GFP_KERNEL);
	struct vm_area_struct *vma;
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, object);
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, 0);
	addr = vma->vm_start;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vm_insert_page(vma, addr, virt_to_page(object)));
	/* The second page of an unsplit block has no reference count. */
	KUNIT_EXPECT_EQ(test, -EINVAL, vm_insert_page(vma, addr, tails + 1));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vm_insert_page(vma, addr - PAGE_SIZE, page));
	KUNIT_EXPECT_EQ(test, -EFAULT,
			vm_insert_page(vma, vma->vm_end, page));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));

	KUNIT_EXPECT_EQ(test, 0, vm_insert_page(vma, addr, page));
	KUNIT_EXPECT_EQ(test, -EBUSY, vm_insert_page(vma, addr, page));
	/* For a fault, a present entry is a success. */
	KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE ==
			  vmf_insert_page(vma, addr, page));
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
			  vmf_insert_page(vma, vma->vm_end, page));
	bare_unlock(vma);
}

/* Pages of one allocation: compound, or split. */
/* ids: ME-10 */
static void insert_page_of_larger_block(struct kunit *test)
{
	struct page *compound = bare_pages(test, GFP_KERNEL | __GFP_COMP, 2);
	struct page *split = alloc_pages(GFP_KERNEL | __GFP_ZERO, 2);
	struct vm_area_struct *vma;

	KUNIT_ASSERT_NOT_NULL(test, split);
	split_page(split, 2);
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, 0);
	for (int i = 0; i < PAGES; i++) {
		unsigned long addr = vma->vm_start + i * PAGE_SIZE;
		struct page *page = i % 2 ? compound + i : split + i;

		KUNIT_EXPECT_EQ(test, 0, vm_insert_page(vma, addr, page));
		KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	}
	bare_unlock(vma);
	for (int i = 0; i < 4; i++)
		__free_page(split + i);
}

/* The pages before the bad one are inserted; @left counts the others. */
/* ids: ME-16 */
static void insert_pages_stops_at_bad_page(struct kunit *test)
{
	struct page *pages[PAGES];
	struct vm_area_struct *vma;
	unsigned long left = PAGES;

	for (int i = 0; i < PAGES; i++)
		pages[i] = bare_pages(test, GFP_KERNEL, 0);
	pages[2] = virt_to_page(kunit_kmalloc(test, 64, GFP_KERNEL));
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vm_insert_pages(vma, vma->vm_start, pages, &left));
	KUNIT_EXPECT_EQ(test, 2, left);
	for (int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, i < 2,
				fixture_is_present(vma->vm_start + i * PAGE_SIZE));
	bare_unlock(vma);
}

struct object_case {
	pgoff_t pgoff;		/* of the mapping of PAGES pages */
	unsigned long pages;	/* in the object */
	int err;
};

static const struct object_case object_cases[] = {
	{ 0, PAGES, 0 },
	{ 2, PAGES + 2, 0 },
	{ 0, PAGES - 1, -ENXIO },
	{ 2, PAGES + 1, -ENXIO },
	{ PAGES, PAGES, -ENXIO },
	{ ULONG_MAX >> (PAGE_SHIFT + 1), PAGES, -ENXIO },
};

static void object_case_name(const struct object_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "from %lu of %lu", c->pgoff,
		 c->pages);
}

KUNIT_ARRAY_PARAM(object, object_cases, object_case_name);

/* Pages that hold 1, 2, 3, ... */
static void number_pages(struct kunit *test, struct page **pages, int count)
{
	for (int i = 0; i < count; i++) {
		pages[i] = bare_pages(test, GFP_KERNEL, 0);
		*(u8 *)page_address(pages[i]) = i + 1;
	}
}

/* The number of the page that is mapped at @addr, or 0. */
static u8 number_at(unsigned long addr)
{
	u8 byte = 0;

	copy_from_user_nofault(&byte, (u8 __user *)addr, 1);
	return byte;
}

/* vm_map_pages() starts at vm_pgoff, unlike the mmap action. */
/* ids: ME-16 */
static void vm_map_pages_starts_at_pgoff(struct kunit *test)
{
	const struct object_case *c = test->param_value;
	struct page *pages[PAGES + 2];
	struct vm_area_struct *vma;

	number_pages(test, pages, ARRAY_SIZE(pages));
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, c->pgoff);
	KUNIT_EXPECT_EQ(test, c->err, vm_map_pages(vma, pages, c->pages));
	KUNIT_EXPECT_EQ(test, c->err ? 0 : c->pgoff + 1,
			number_at(vma->vm_start));
	bare_unlock(vma);
}

/* vm_map_pages_zero() ignores vm_pgoff, but not the size of the mapping. */
/* ids: ME-16 */
static void vm_map_pages_zero_starts_at_zero(struct kunit *test)
{
	struct page *pages[PAGES];
	struct vm_area_struct *vma;

	number_pages(test, pages, PAGES);
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, PAGES);
	KUNIT_EXPECT_EQ(test, -ENXIO, vm_map_pages_zero(vma, pages, PAGES - 1));
	KUNIT_EXPECT_EQ(test, -ENXIO, vm_map_pages_zero(vma, pages, 0));
	KUNIT_EXPECT_EQ(test, 0, number_at(vma->vm_start));
	KUNIT_EXPECT_EQ(test, 0, vm_map_pages_zero(vma, pages, PAGES));
	for (int i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, i + 1,
				number_at(vma->vm_start + i * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -EBUSY, vm_map_pages_zero(vma, pages, PAGES));
	bare_unlock(vma);
}

/*
 * In a mapping that is not VM_MIXEDMAP, only ->mmap may insert pages: there
 * mmap_lock is held for writing. vm_insert_page() has a BUG_ON() for the others,
 * vm_insert_pages() warns, and keeps mmap_lock.
 */
/* ids: ME-17 */
static void insert_pages_warns_without_mixedmap(struct kunit *test)
{
	struct file *file = bare_open(test, &bare_plain_fops, NULL);
	struct page *page = bare_pages(test, GFP_KERNEL, 0);
	struct vm_area_struct *vma;
	unsigned long addr, one = 1;

	if (!IS_ENABLED(CONFIG_DEBUG_VM))
		kunit_skip(test, "this kernel does not warn");
	addr = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE, RW, MAP_SHARED,
			     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	mmap_read_lock(current->mm);
	vma = bare_vma(test, addr);
	mmap_read_unlock(current->mm);
	kunit_warning_suppress(test) {
		vm_insert_pages(vma, addr, &page, &one);
		/* One from vm_flags_set(), too. */
		KUNIT_EXPECT_LE(test, 2, KUNIT_SUPPRESSED_WARNING_COUNT());
	}
	KUNIT_EXPECT_TRUE(test, rwsem_is_locked(&current->mm->mmap_lock));
	mmap_read_unlock(current->mm);

	one = 1;
	mmap_write_lock(current->mm);
	zap_special_vma_range(vma, addr, PAGE_SIZE);
	vm_flags_clear(vma, VM_MIXEDMAP);
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_EQ(test, 0, vm_insert_pages(vma, addr, &page, &one));
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 0);
	}
	KUNIT_EXPECT_TRUE(test, vma->vm_flags & VM_MIXEDMAP);
	mmap_write_unlock(current->mm);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	vm_munmap(addr, PAGES * PAGE_SIZE);
}

/* The zero page is accepted only if no write can reach it. */
/* ids: ME-18 */
static void insert_page_refuses_shared_zero_page(struct kunit *test)
{
	struct vm_area_struct *vma;

	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, PROT_READ, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vm_insert_page(vma, vma->vm_start, ZERO_PAGE(0)));
	bare_unlock(vma);
	vma = map_bare(test, &bare_mixed_fops, MAP_PRIVATE, RW, 0);
	KUNIT_EXPECT_EQ(test, 0,
			vm_insert_page(vma, vma->vm_start, ZERO_PAGE(0)));
	bare_unlock(vma);
}

/*
 * According to the kernel-doc, the cache mode is the caller's. The code takes
 * it from the memtype reservation (D-25): RAM stays write-back.
 */
/* ids: ME-23 ME-24 */
static void insert_pfn_prot_keeps_cache_mode(struct kunit *test)
{
	unsigned long pfn = page_to_pfn(bare_pages(test, GFP_KERNEL, 0));
	struct follow_pfnmap_args plain = {}, other = {};
	struct vm_area_struct *vma;
	pgprot_t prot;

	if (!IS_ENABLED(CONFIG_X86))
		kunit_skip(test, "only x86 tracks the memtype");
	vma = map_bare(test, &bare_frames_fops, MAP_SHARED, RW, 0);
	prot = pgprot_writecombine(vma->vm_page_prot);
	KUNIT_ASSERT_NE(test, pgprot_val(prot),
			pgprot_val(vma->vm_page_prot));
	vmf_insert_pfn(vma, vma->vm_start, pfn);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE ==
			  vmf_insert_pfn_prot(vma, vma->vm_start + PAGE_SIZE,
					      pfn, prot));
	plain.vma = vma;
	plain.address = vma->vm_start;
	other.vma = vma;
	other.address = vma->vm_start + PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, follow_pfnmap_start(&plain));
	follow_pfnmap_end(&plain);
	KUNIT_ASSERT_EQ(test, 0, follow_pfnmap_start(&other));
	follow_pfnmap_end(&other);
	KUNIT_EXPECT_EQ(test, pgprot_val(plain.pgprot),
			pgprot_val(other.pgprot));
	bare_unlock(vma);
}

/* --- Page frames --- */

/* The entry is special, also of RAM: nothing is counted, and GUP refuses it. */
/* ids: ME-25 */
static void insert_mixed_takes_no_reference(struct kunit *test)
{
	struct page *pages[2], *found = NULL;
	struct vm_area_struct *vma;
	int refs, locked = 1;

	if (!IS_ENABLED(CONFIG_ARCH_HAS_PTE_SPECIAL))
		kunit_skip(test, "this architecture has no special entries");
	number_pages(test, pages, ARRAY_SIZE(pages));
	refs = page_count(pages[0]);
	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, 0);
	for (int i = 0; i < ARRAY_SIZE(pages); i++)
		KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE ==
				  vmf_insert_mixed(vma, vma->vm_start,
						   page_to_pfn(pages[i])));
	/* The second one found an entry, which stays. */
	KUNIT_EXPECT_EQ(test, 1, number_at(vma->vm_start));
	KUNIT_EXPECT_EQ(test, refs, page_count(pages[0]));
	KUNIT_EXPECT_EQ(test, 0, folio_mapcount(page_folio(pages[0])));
	KUNIT_EXPECT_GT(test, 0,
			get_user_pages_remote(current->mm, vma->vm_start, 1, 0,
					      &found, &locked));
	bare_unlock(vma);
	KUNIT_EXPECT_EQ(test, refs, page_count(pages[0]));
}

/* ids: ME-25 */
static void insert_mixed_refuses(struct kunit *test)
{
	unsigned long pfn = page_to_pfn(bare_pages(test, GFP_KERNEL, 0));
	struct vm_area_struct *vma;

	vma = map_bare(test, &bare_mixed_fops, MAP_SHARED, RW, 0);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
			  vmf_insert_mixed(vma, vma->vm_end, pfn));
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
			  vmf_insert_mixed(vma, vma->vm_start - PAGE_SIZE, pfn));
	/* A write could reach the zero page. */
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
			  vmf_insert_mixed(vma, vma->vm_start,
					   page_to_pfn(ZERO_PAGE(0))));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(vma->vm_start));
	bare_unlock(vma);

	vma = map_bare(test, &bare_frames_fops, MAP_SHARED, RW, 0);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS ==
			  vmf_insert_mixed(vma, vma->vm_start, pfn));
	KUNIT_EXPECT_FALSE(test, fixture_is_present(vma->vm_start));
	bare_unlock(vma);
}

/* What fault() does: it inserts @page at @offset from the fault. */
struct inserting {
	struct page *page;
	unsigned long offset;
	unsigned int calls;
	vm_fault_t answer;
};

static vm_fault_t inserting_fault(struct vm_fault *vmf)
{
	struct inserting *in = vmf->vma->vm_file->private_data;

	in->calls++;
	in->answer = vmf_insert_pfn(vmf->vma, vmf->address + in->offset,
				    page_to_pfn(in->page));
	return in->answer;
}

static const struct vm_operations_struct inserting_vm_ops = {
	.fault = inserting_fault,
};

static int inserting_mmap_prepare(struct vm_area_desc *desc)
{
	desc->vm_ops = &inserting_vm_ops;
	return bare_frames_fops.mmap_prepare(desc);
}

static const struct file_operations inserting_frames_fops = {
	.owner		= THIS_MODULE,
	.mmap_prepare	= inserting_mmap_prepare,
};

/*
 * fault() returns the answer of vmf_insert_pfn(): outside of the VMA, the access
 * fails. A page that is present does not come to fault(), so that nothing has to
 * be flushed.
 */
/* ids: ME-19 ME-20 ME-22 */
static void fault_returns_answer_of_insert_pfn(struct kunit *test)
{
	struct inserting in = { .offset = PAGES * PAGE_SIZE };
	struct file *file = bare_open(test, &inserting_frames_fops, &in);
	unsigned long addr;
	u8 byte;

	number_pages(test, &in.page, 1);
	addr = kunit_vm_mmap(test, file, 0, PAGES * PAGE_SIZE, RW, MAP_SHARED,
			     0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, -EFAULT, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 1, in.calls);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS == in.answer);
	KUNIT_EXPECT_EQ(test, 0, bare_pfn(addr));

	in.offset = 0;
	for (int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
		KUNIT_EXPECT_EQ(test, 1, byte);
		KUNIT_EXPECT_EQ(test, 2, in.calls);
	}
	KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE == in.answer);
	KUNIT_EXPECT_EQ(test, page_to_pfn(in.page), bare_pfn(addr));
	vm_munmap(addr, PAGES * PAGE_SIZE);
}

static struct kunit_case insert_cases[] = {
	KUNIT_CASE(insert_page_is_found_by_gup),
	KUNIT_CASE(insert_page_sets_mixedmap_in_mmap),
	KUNIT_CASE(insert_page_refuses),
	KUNIT_CASE(insert_page_of_larger_block),
	KUNIT_CASE(insert_pages_stops_at_bad_page),
	KUNIT_CASE_PARAM(vm_map_pages_starts_at_pgoff, object_gen_params),
	KUNIT_CASE(vm_map_pages_zero_starts_at_zero),
	KUNIT_CASE(insert_pages_warns_without_mixedmap),
	KUNIT_CASE(insert_page_refuses_shared_zero_page),
	KUNIT_CASE(insert_pfn_prot_keeps_cache_mode),
	KUNIT_CASE(insert_mixed_takes_no_reference),
	KUNIT_CASE(insert_mixed_refuses),
	KUNIT_CASE(fault_returns_answer_of_insert_pfn),
	{}
};

static struct kunit_suite insert_suite = {
	.name		= "mapdev_insert",
	.test_cases	= insert_cases,
};

kunit_test_suite(insert_suite);
