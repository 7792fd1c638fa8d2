// SPDX-License-Identifier: GPL-2.0
/* Page table entries of a region: frames, cache mode, and unmapping. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "fixture.h"
#include "region.h"
#include "stats.h"

#define PAGES 4
#define REGION_SIZE (PAGES * PAGE_SIZE)
#define WINDOW_SIZE SZ_4M

struct mapping {
	struct mapdev_region *region;
	struct file *file;
	unsigned long addr;
};

static void map_size(struct kunit *test, struct mapping *m, u64 size,
		     const char *attrs, unsigned long prot)
{
	m->region = fixture_region_with(test, size, attrs);
	m->file = fixture_open(test, m->region, O_RDWR);
	m->addr = fixture_map(test, m->file, 0, size, prot);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(m->addr));
}

static void map(struct kunit *test, struct mapping *m, const char *attrs,
		unsigned long prot)
{
	map_size(test, m, REGION_SIZE, attrs, prot);
}

static void touch_all(struct kunit *test, struct mapping *m)
{
	for (int i = 0; i < PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)m->addr +
						  i * PAGE_SIZE));
}

/* Look up the entry of a page. Returns 0 or an errno. */
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

KUNIT_ARRAY_PARAM(frames, frames, fixture_backing_name);

/* The frames are mapped in order, by writable special PTEs. */
/* ids: ME-19 ME-44 ME-46 */
static void entries_hold_frames(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

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

/* ids: PA-19 ME-11 */
static void entries_follow_vma_prot(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

	map(test, &m, *attrs, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, fault_in_readable((char __user *)m.addr, 1));
	KUNIT_ASSERT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_FALSE(test, args.writable);
}

/* --- Cache modes --- */

struct mode_case {
	const char *attrs;
	enum mapdev_cache cache;
};

static const struct mode_case mode_cases[] = {
	{ WINDOW, MAPDEV_UC },
	{ WINDOW " cache=wb", MAPDEV_WB },
	{ WINDOW " cache=wc", MAPDEV_WC },
	{ WINDOW " cache=uc", MAPDEV_UC },
	{ WINDOW " cache=wb map=eager", MAPDEV_WB },
	{ WINDOW " cache=wc map=eager", MAPDEV_WC },
	{ WINDOW " cache=uc map=eager", MAPDEV_UC },
};

static void mode_case_name(const struct mode_case *c, char *desc)
{
	fixture_backing_name(&c->attrs, desc);
}

KUNIT_ARRAY_PARAM(mode, mode_cases, mode_case_name);

/*
 * The cache mode of a protection: the bits in which the modes differ. Some of
 * the other bits have another meaning in a PMD.
 */
static u64 mode_of(pgprot_t prot)
{
	pgprot_t wb = vm_get_page_prot(VM_READ | VM_WRITE | VM_SHARED);
	u64 wc_bits = pgprot_val(wb) ^ pgprot_val(pgprot_writecombine(wb));
	u64 uc_bits = pgprot_val(wb) ^ pgprot_val(pgprot_noncached(wb));

	return pgprot_val(prot) & (wc_bits | uc_bits);
}

static u64 mode_for(enum mapdev_cache cache)
{
	pgprot_t wb = vm_get_page_prot(VM_READ | VM_WRITE | VM_SHARED);

	switch (cache) {
	case MAPDEV_WC:
		return mode_of(pgprot_writecombine(wb));
	case MAPDEV_UC:
		return mode_of(pgprot_noncached(wb));
	default:
		return mode_of(wb);
	}
}

/* Fault page @page of the window in, and check the mode of its entry. */
static void expect_mode(struct kunit *test, struct mapping *m, pgoff_t page,
			enum mapdev_cache cache,
			struct follow_pfnmap_args *args)
{
	const char __user *addr = (const char __user *)m->addr;

	KUNIT_ASSERT_EQ(test, 0, fault_in_readable(addr + page * PAGE_SIZE, 1));
	KUNIT_ASSERT_EQ(test, 0, look(m, page, args));
	KUNIT_EXPECT_EQ(test, m->region->pfn + page, args->pfn);
	KUNIT_EXPECT_EQ(test, mode_for(cache), mode_of(args->pgprot));
}

/* For entries of each size, and again after a revoke. */
/* ids: ME-23 ME-29 ME-32 */
static void entries_have_cache_mode(struct kunit *test)
{
	const struct mode_case *c = test->param_value;
	const pgoff_t middle = WINDOW_SIZE / 2 / PAGE_SIZE;
	struct follow_pfnmap_args args = {};
	struct mapping m, part;
	bool eager, huge;

	KUNIT_ASSERT_NE(test, mode_for(MAPDEV_WB), mode_for(MAPDEV_WC));
	KUNIT_ASSERT_NE(test, mode_for(MAPDEV_WB), mode_for(MAPDEV_UC));
	KUNIT_ASSERT_NE(test, mode_for(MAPDEV_WC), mode_for(MAPDEV_UC));

	map_size(test, &m, WINDOW_SIZE, c->attrs, PROT_READ | PROT_WRITE);
	eager = m.region->attrs.eager;
	huge = IS_ENABLED(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) && !eager &&
	       !MAPDEV_PMD_HAS_FOLIO && PMD_SIZE <= WINDOW_SIZE;
	KUNIT_EXPECT_EQ(test, eager ? 0 : -EINVAL,
			look(&m, 2 * middle - 1, &args));
	expect_mode(test, &m, middle, c->cache, &args);
	KUNIT_EXPECT_EQ(test, huge ? PMD_MASK : PAGE_MASK, args.addr_mask);

	part = m;
	part.addr = fixture_map(test, m.file, 0, REGION_SIZE, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(part.addr));
	expect_mode(test, &part, 1, c->cache, &args);
	KUNIT_EXPECT_EQ(test, PAGE_MASK, args.addr_mask);

	KUNIT_ASSERT_EQ(test, 0,
			mapdev_region_revoke(m.region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&m, middle, &args));
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&part, 1, &args));
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_region_restore(m.region, MAPDEV_OFF_ROOT));
	expect_mode(test, &m, middle, c->cache, &args);
	expect_mode(test, &part, 1, c->cache, &args);
}

/*
 * mprotect() recomputes vm_page_prot, on some architectures without the cache
 * mode.
 */
static void mprotect_keeps_cache_mode(struct kunit *test)
{
	const struct mode_case *c = test->param_value;
	struct follow_pfnmap_args args = {};
	struct vm_area_struct *vma;
	struct mapping m;

	map_size(test, &m, WINDOW_SIZE, c->attrs, PROT_READ | PROT_WRITE);
	scoped_guard(mmap_write_lock, current->mm) {
		vma = vma_lookup(current->mm, m.addr);
		vma_start_write(vma);
		vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	}
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_region_revoke(m.region, MAPDEV_OFF_ROOT));
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_region_restore(m.region, MAPDEV_OFF_ROOT));
	expect_mode(test, &m, 1, c->cache, &args);
}

/* A present entry is not replaced. */
/* ids: ME-20 ME-22 */
static void insert_pfn_keeps_present_entry(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct vm_area_struct *vma;
	struct mapping m;

	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, m.addr);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_NOPAGE ==
			  vmf_insert_pfn(vma, m.addr, m.region->pfn + 1));
	mmap_read_unlock(current->mm);
	KUNIT_ASSERT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_EQ(test, m.region->pfn, args.pfn);
}

/* follow_pfnmap_start() refuses mappings of struct pages. */
/* ids: ME-45 */
static void follow_pfnmap_refuses_pages(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapping m;

	map(test, &m, "backing=pages", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&m, 0, &args));
	map(test, &m, "backing=paged", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_EXPECT_EQ(test, -EINVAL, look(&m, 0, &args));
}

/*
 * generic_access_phys() refuses RAM (D-14), therefore contig has ->access of its
 * own. It serves memory that the kernel does not use as RAM.
 */
/* ids: LK-80 */
static void generic_access_refuses_ram(struct kunit *test)
{
	static const struct {
		const char *attrs;
		int moved;
	} cases[] = {
		{ "backing=contig", -EINVAL },
		{ WINDOW " cache=wb", 4 },
	};

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		const u32 stored = 0x1234 + i;
		struct vm_area_struct *vma;
		struct mapping m;
		u32 word = 0;

		map(test, &m, cases[i].attrs, PROT_READ | PROT_WRITE);
		KUNIT_ASSERT_EQ(test, 0, put_user(stored, (u32 __user *)m.addr));
		guard(mmap_read_lock)(current->mm);
		vma = vma_lookup(current->mm, m.addr);
		if (MAPDEV_GENERIC_ACCESS_SPARES_RAM || cases[i].moved > 0)
			KUNIT_EXPECT_EQ(test, cases[i].moved,
					generic_access_phys(vma, m.addr, &word,
							    4, 0));
		if (cases[i].moved > 0)
			KUNIT_EXPECT_EQ(test, stored, word);
		KUNIT_EXPECT_EQ(test, 4,
				vma->vm_ops->access(vma, m.addr, &word, 4, 0));
		KUNIT_EXPECT_EQ(test, stored, word);
	}
}

/* --- Unmapping --- */

struct hole_case {
	loff_t begin, length;
	unsigned int gone;	/* a bit for each unmapped page */
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
 * unmap_mapping_range() rounds the start down and the length up, separately, so
 * that the last bytes may be missed. A length of 0 means up to the end. It
 * needs no lock.
 */
/* ids: PA-30 ME-35 ME-36 ME-37 */
static void unmap_mapping_range_rounds(struct kunit *test)
{
	const struct hole_case *c = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;

	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	unmap_mapping_range(m.region->inode->i_mapping, c->begin, c->length, 0);
	for (pgoff_t i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, c->gone & BIT(i) ? -EINVAL : 0,
				look(&m, i, &args));
}

/* ids: ME-1 */
static void munmap_keeps_neighbours(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapping m;

	map(test, &m, "backing=contig", PROT_READ | PROT_WRITE);
	touch_all(test, &m);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(m.addr + PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, look(&m, 0, &args));
	KUNIT_EXPECT_EQ(test, 0, look(&m, 2, &args));
	KUNIT_EXPECT_EQ(test, m.region->pfn + 2, args.pfn);
}

static const char * const huge_backings[] = {
	"backing=contig", "backing=paged granule=2M",
};

KUNIT_ARRAY_PARAM(huge, huge_backings, fixture_backing_name);

/*
 * A huge entry that a VMA begins or ends in is unmapped whole, for faults to fill
 * again in small. The memory stays, and the other huge entries.
 */
/* ids: LK-62 */
static void split_unmaps_huge_entry(struct kunit *test)
{
	const char * const *attrs = test->param_value;
	struct follow_pfnmap_args args = {};
	struct mapping m;
	u8 __user *second;
	u8 byte = 0;

	fixture_needs_huge_frames(test);
	fixture_needs_huge_folios(test);
	map_size(test, &m, 2 * PMD_SIZE, *attrs, PROT_READ | PROT_WRITE);
	second = (u8 __user *)m.addr + PMD_SIZE;
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)m.addr));
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)42, second + 5 * PAGE_SIZE));
	KUNIT_ASSERT_LE(test, 1, mapdev_stat(m.region, MAPDEV_STAT_HUGE_FAULT));
	KUNIT_ASSERT_EQ(test, 0, mapdev_stat(m.region, MAPDEV_STAT_FAULT));
	KUNIT_ASSERT_TRUE(test, fixture_is_present((unsigned long)second));

	KUNIT_ASSERT_EQ(test, 0, vm_munmap((unsigned long)second, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, fixture_is_present(m.addr));
	for (unsigned long at = PAGE_SIZE; at < PMD_SIZE; at += PAGE_SIZE)
		KUNIT_ASSERT_FALSE(test,
				   fixture_is_present((unsigned long)second + at));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, second + 5 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 42, byte);
	if (m.region->pfn) {
		KUNIT_EXPECT_EQ(test, 1, mapdev_stat(m.region, MAPDEV_STAT_FAULT));
		KUNIT_EXPECT_EQ(test, 0, look(&m, (PMD_SIZE >> PAGE_SHIFT) + 5,
					      &args));
		KUNIT_EXPECT_EQ(test, PAGE_MASK, args.addr_mask);
	}
}

/* Private copies are kept unless even_cows is set. */
/* ids: PA-27 ME-38 ME-39 */
static void unmap_mapping_range_keeps_copies(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);
	unsigned long addr;
	u8 __user *copy;
	u8 byte = 0;

	addr = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	copy = (u8 __user *)addr;
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)42, copy));
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, copy));
	KUNIT_EXPECT_EQ(test, 42, byte);

	unmap_mapping_range(region->inode->i_mapping, 0, 0, 1);
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, copy));
	KUNIT_EXPECT_EQ(test, 0, byte);
}

static struct kunit_case entries_cases[] = {
	KUNIT_CASE_PARAM(entries_hold_frames, frames_gen_params),
	KUNIT_CASE_PARAM(entries_follow_vma_prot, frames_gen_params),
	KUNIT_CASE_PARAM(entries_have_cache_mode, mode_gen_params),
	KUNIT_CASE_PARAM(mprotect_keeps_cache_mode, mode_gen_params),
	KUNIT_CASE(insert_pfn_keeps_present_entry),
	KUNIT_CASE(follow_pfnmap_refuses_pages),
	KUNIT_CASE(generic_access_refuses_ram),
	KUNIT_CASE_PARAM(unmap_mapping_range_rounds, hole_gen_params),
	KUNIT_CASE(munmap_keeps_neighbours),
	KUNIT_CASE_PARAM(split_unmaps_huge_entry, huge_gen_params),
	KUNIT_CASE(unmap_mapping_range_keeps_copies),
	{}
};

static struct kunit_suite entries_suite = {
	.name		= "mapdev_entries",
	.test_cases	= entries_cases,
};

kunit_test_suite(entries_suite);
