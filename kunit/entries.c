// SPDX-License-Identifier: GPL-2.0
/* Page table entries: what is in them, by whom they come, and how they go. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fixture.h"

#define PAGES 4
#define REGION_SIZE (PAGES * PAGE_SIZE)
#define WINDOW "backing=window phys=0x240000000"

struct mapping {
	struct mapdev_region *region;
	unsigned long addr;
};

static void map(struct kunit *test, struct mapping *m, const char *attrs,
		unsigned long prot)
{
	struct file *file;

	m->region = fixture_region_with(test, REGION_SIZE, attrs);
	file = fixture_open(test, m->region, O_RDWR);
	m->addr = fixture_map(test, file, 0, REGION_SIZE, prot);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(m->addr));
}

static void touch_all(struct kunit *test, struct mapping *m)
{
	for (int i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)m->addr +
						  i * PAGE_SIZE));
}

/* The entry of one page: an errno, or 0 and what it says in @args. */
static int look(struct mapping *m, pgoff_t page,
		struct follow_pfnmap_args *args)
{
	int err;

	guard(mmap_read_lock)(current->mm);
	args->address = m->addr + page * PAGE_SIZE;
	args->vma = vma_lookup(current->mm, args->address);
	err = follow_pfnmap_start(args);
	if (!err)
		follow_pfnmap_end(args);
	return err;
}

/* --- Page frames --- */

static const char * const frames[] = {
	"backing=contig", "backing=contig map=eager",
	WINDOW " cache=wb", WINDOW " cache=wb map=eager",
};

static void frames_name(const char * const *attrs, char *desc)
{
	strscpy(desc, *attrs + strlen("backing="), KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(frames, frames, frames_name);

/* In their order, small, writable, and without a struct page. */
static void name_the_frames(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

	fixture_ids(test, "ME-19 ME-44 ME-46");
	map(test, &m, *attrs, PROT_READ | PROT_WRITE);
	KUNIT_EXPECT_EQ(test, m.region->attrs.eager ? 0 : -EINVAL,
			look(&m, 1, &args));
	touch_all(test, &m);
	for (pgoff_t i = 0; i < PAGES; i++) {
		KUNIT_ASSERT_EQ(test, 0, look(&m, i, &args));
		KUNIT_EXPECT_EQ(test, m.region->pfn + i, args.pfn);
		KUNIT_EXPECT_EQ(test, PAGE_MASK, args.addr_mask);
		KUNIT_EXPECT_TRUE(test, args.writable);
		KUNIT_EXPECT_TRUE(test, args.special);
	}
}

static void are_as_the_mapping(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

	fixture_ids(test, "PA-19 ME-11");
	map(test, &m, *attrs, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, fault_in_readable((char __user *)m.addr, 1));
	KUNIT_ASSERT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_FALSE(test, args.writable);
}

/* To ask again for what is there changes nothing. */
static void have_the_cache_mode(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapping wb, wc;

	fixture_ids(test, "ME-23 ME-29");
	map(test, &wb, WINDOW " cache=wb", PROT_READ | PROT_WRITE);
	touch_all(test, &wb);
	KUNIT_ASSERT_EQ(test, 0, look(&wb, 0, &args));
	KUNIT_EXPECT_NE(test, pgprot_val(args.pgprot),
			pgprot_val(pgprot_writecombine(args.pgprot)));
	vm_munmap(wb.addr, REGION_SIZE);
	fixture_retire(test, wb.region);

	map(test, &wc, WINDOW " cache=wc", PROT_READ | PROT_WRITE);
	touch_all(test, &wc);
	KUNIT_ASSERT_EQ(test, 0, look(&wc, 0, &args));
	KUNIT_EXPECT_EQ(test, pgprot_val(args.pgprot),
			pgprot_val(pgprot_writecombine(args.pgprot)));
}

/* A frame does not take another's place. */
static void stay(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct vm_area_struct *vma;
	struct mapping m;

	fixture_ids(test, "ME-20");
	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, m.addr);
	KUNIT_EXPECT_EQ(test, VM_FAULT_NOPAGE,
			vmf_insert_pfn(vma, m.addr, m.region->pfn + 1));
	mmap_read_unlock(current->mm);
	KUNIT_ASSERT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_EQ(test, m.region->pfn, args.pfn);
}

/* Of what has struct pages nobody learns the frame. */
static void of_pages_are_not_told(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapping m;

	fixture_ids(test, "ME-45");
	map(test, &m, "backing=pages", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&m, 0, &args));
	map(test, &m, "backing=paged", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&m, 0, &args));
}

/* --- How they go --- */

struct hole_case {
	loff_t begin, length;
	unsigned int gone;	/* a bit for each page */
};

static const struct hole_case hole_cases[] = {
	{ 1, 1, 0x1 },
	{ PAGE_SIZE - 1, 2, 0x1 },
	{ PAGE_SIZE, PAGE_SIZE, 0x2 },
	{ PAGE_SIZE + 1, PAGE_SIZE, 0x2 },
	{ PAGE_SIZE + 1, PAGE_SIZE + 1, 0x6 },
	{ PAGE_SIZE, 0, 0xe },
	{ 0, 0, 0xf },
};

static void hole_case_name(const struct hole_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lld at %lld", c->length,
		 c->begin);
}

KUNIT_ARRAY_PARAM(hole, hole_cases, hole_case_name);

/*
 * The begin is rounded down and the length up, each for itself, so that bytes
 * at the end may be missed; a length of 0 is all the rest. No lock is needed.
 */
static void go_with_a_hole(struct kunit *test)
{
	const struct hole_case *c = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

	fixture_ids(test, "ME-35 ME-36 ME-37 PA-30");
	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	unmap_mapping_range(m.region->inode->i_mapping, c->begin, c->length, 0);
	for (pgoff_t i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, c->gone & BIT(i) ? -EINVAL : 0,
				look(&m, i, &args));
}

static void of_neighbours_stay(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapping m;

	fixture_ids(test, "ME-1 PA-28");
	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(m.addr + PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_EQ(test, 0, look(&m, 2, &args));
	KUNIT_EXPECT_EQ(test, m.region->pfn + 2, args.pfn);
}

/* --- Struct pages --- */

static void of_one_page(struct kunit *test, struct vm_area_struct *vma,
			struct page *page, struct page *bad)
{
	struct page *found = NULL;

	KUNIT_EXPECT_EQ(test, -EFAULT, vm_insert_page(vma, vma->vm_end, page));
	KUNIT_EXPECT_EQ(test, -EINVAL, vm_insert_page(vma, vma->vm_start, bad));
	KUNIT_EXPECT_EQ(test, 0, vm_insert_page(vma, vma->vm_start, page));
	KUNIT_EXPECT_EQ(test, -EBUSY, vm_insert_page(vma, vma->vm_start, page));
	KUNIT_EXPECT_EQ(test, 1, get_user_pages_fast_only(vma->vm_start, 1, 0,
							  &found));
	KUNIT_EXPECT_PTR_EQ(test, page, found);
	if (found)
		put_page(found);
}

/* What is a page that can be mapped, and where it stops at one that is not. */
static void of_pages_are_picky(struct kunit *test)
{
	struct page *pages[3], *bad;
	struct vm_area_struct *vma;
	unsigned long left = 3;
	struct mapping m;

	fixture_ids(test, "ME-10 ME-15 ME-16");
	map(test, &m, "backing=pages", PROT_READ | PROT_WRITE);
	pages[0] = m.region->pages[1];
	bad = virt_to_page(kunit_kzalloc(test, 64, GFP_KERNEL));
	pages[1] = bad;
	pages[2] = m.region->pages[3];

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, m.addr);
	of_one_page(test, vma, m.region->pages[0], bad);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			vm_insert_pages(vma, m.addr + PAGE_SIZE, pages, &left));
	KUNIT_EXPECT_EQ(test, 2, left);
	mmap_read_unlock(current->mm);
}

static struct kunit_case entries_cases[] = {
	KUNIT_CASE_PARAM(name_the_frames, frames_gen_params),
	KUNIT_CASE_PARAM(are_as_the_mapping, frames_gen_params),
	KUNIT_CASE(have_the_cache_mode),
	KUNIT_CASE(stay),
	KUNIT_CASE(of_pages_are_not_told),
	KUNIT_CASE_PARAM(go_with_a_hole, hole_gen_params),
	KUNIT_CASE(of_neighbours_stay),
	KUNIT_CASE(of_pages_are_picky),
	{}
};

static struct kunit_suite entries_suite = {
	.name		= "mapdev_entries",
	.test_cases	= entries_cases,
};

kunit_test_suite(entries_suite);
