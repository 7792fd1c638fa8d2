// SPDX-License-Identifier: GPL-2.0
/* Fault-around: what a fault maps beside the page that was accessed. */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "fixture.h"
#include "stats.h"

/* The aligned ranges that a fault maps: of pages, and of PMDs. */
#define SMALL	SZ_2M
#define HUGE	max(PMD_SIZE, SZ_16M)

struct around_case {
	const char *attrs;
	bool huge;
	void (*needs)(struct kunit *test);
};

static const struct around_case around_cases[] = {
	{ "backing=pages" },
	{ "backing=vmalloc" },
	{ "backing=contig pin=1" },
	{ "backing=contig", true, fixture_needs_huge_frames },
	{ "backing=paged granule=PAGE", false, fixture_needs_map_pages },
	{ "backing=paged granule=65536", false, fixture_needs_map_pages },
	{ "backing=paged granule=2M", true, fixture_needs_huge_folios },
};

static void around_case_name(const struct around_case *c, char *desc)
{
	fixture_backing_name(&c->attrs, desc);
}

KUNIT_ARRAY_PARAM(around, around_cases, around_case_name);

/* ids: LK-59 */
static void fault_maps_around(struct kunit *test)
{
	const struct around_case *c = test->param_value;
	unsigned long span = c->huge ? HUGE : SMALL;
	unsigned long step = c->huge ? PMD_SIZE : PAGE_SIZE;
	unsigned long addr, accessed, size = max(2 * span, 4 * SMALL);
	struct mapdev_region *region;
	struct file *file;
	u8 byte;

	if (c->needs)
		c->needs(test);
	region = fixture_region_with(test, size, c->attrs);
	file = fixture_open(test, region, O_RDWR);
	addr = fixture_map(test, file, 0, size, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	for (unsigned long at = 0; at < size; at += step)
		KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr + at));
	vm_munmap(addr, size);

	addr = fixture_map(test, file, 0, size, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	accessed = addr + size / 2 + 5 * step % span;
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)accessed));
	KUNIT_EXPECT_EQ(test, 1, byte);
	for (unsigned long at = addr; at < addr + size; at += step)
		KUNIT_EXPECT_EQ(test, at / span == accessed / span,
				fixture_is_present(at));
}

/* Map @size bytes of a region of 2 * HUGE, aligned to HUGE. */
static unsigned long map_aligned(struct kunit *test, const char *attrs,
				 unsigned long size,
				 struct mapdev_region **region)
{
	unsigned long addr;
	struct file *file;

	*region = fixture_region_with(test, 2 * HUGE, attrs);
	file = fixture_open(test, *region, O_RDWR);
	addr = kunit_vm_mmap(test, file, 0, 2 * HUGE, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	vm_munmap(addr, 2 * HUGE);
	addr = kunit_vm_mmap(test, file, ALIGN(addr, HUGE), size,
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

/* A fault does not allocate the holes around it. */
/* ids: PA-41 */
static void fault_around_keeps_holes(struct kunit *test)
{
	struct mapdev_region *region;
	unsigned long addr;

	fixture_needs_huge_folios(test);
	addr = map_aligned(test, "backing=paged granule=2M", HUGE, &region);
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr));
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, PMD_SIZE >> PAGE_SHIFT,
			region->inode->i_mapping->nrpages);
	KUNIT_EXPECT_FALSE(test, fixture_is_present(addr + PMD_SIZE));
	vm_munmap(addr, HUGE);
}

/* A PMD that crosses the end of the VMA is not mapped. */
/* ids: LK-59 */
static void fault_around_stays_in_vma(struct kunit *test)
{
	unsigned long addr, size = 3 * PMD_SIZE + PMD_SIZE / 2;
	struct mapdev_region *region;
	u8 byte;

	fixture_needs_huge_frames(test);
	if (HUGE < 4 * PMD_SIZE)
		kunit_skip(test, "a fault maps no more than one PMD");
	addr = map_aligned(test, "backing=contig", size, &region);
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	for (unsigned long at = 0; at < size; at += PMD_SIZE)
		KUNIT_EXPECT_EQ(test, at < 3 * PMD_SIZE,
				fixture_is_present(addr + at));
	vm_munmap(addr, size);
}

/* Mapped pages are skipped, and all others are mapped by one fault. */
static void fault_around_skips_mapped_page(struct kunit *test)
{
	struct mapdev_region *region;
	struct file *file;
	unsigned long addr, spans, size = 16 * PAGE_SIZE;
	u64 faults;
	u8 byte;

	region = fixture_region_with(test, size, "backing=pages");
	file = fixture_open(test, region, O_RDWR);
	addr = fixture_map(test, file, 0, size, PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);
	faults = mapdev_stat(region, MAPDEV_STAT_FAULT);

	/*
	 * Unmap from the third page. One fault for each range maps them again.
	 */
	spans = (addr + size - 1) / SMALL - (addr + 2 * PAGE_SIZE) / SMALL + 1;
	unmap_mapping_range(region->inode->i_mapping, 2 * PAGE_SIZE, 0, 1);
	KUNIT_EXPECT_TRUE(test, fixture_is_present(addr));
	for (unsigned long at = 2 * PAGE_SIZE; at < size; at += PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)addr + at));
	KUNIT_EXPECT_EQ(test, faults + spans,
			mapdev_stat(region, MAPDEV_STAT_FAULT));
}

/* mm core asks for 64K, and a write fault maps as much. */
#define FEW	(SZ_64K / PAGE_SIZE)

/* Only the @count pages from @first are present. */
static void expect_present(struct kunit *test, unsigned long addr,
			   unsigned long first, unsigned long count)
{
	for (unsigned long i = 0; i < SMALL / PAGE_SIZE; i++)
		KUNIT_EXPECT_EQ_MSG(test, i - first < count,
				    fixture_is_present(addr + i * PAGE_SIZE),
				    "page %lu", i);
}

/* Map a region with all pages allocated, and with an empty page table. */
static unsigned long map_filled(struct kunit *test, const char *attrs)
{
	struct mapdev_region *region;
	unsigned long addr = map_aligned(test, attrs, SMALL, &region);

	for (unsigned long at = 0; at < SMALL; at += PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, (u8 __user *)addr + at));
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
	return addr;
}

/*
 * With a page table, map only what mm core asks for: a reader that follows a
 * writer must not scan the whole table at each fault.
 */
/* ids: LK-44 LK-67 */
static void refill_maps_fault_around_bytes(struct kunit *test)
{
	unsigned long addr;
	u8 byte;

	fixture_needs_map_pages(test);
	addr = map_filled(test, "backing=paged granule=PAGE");
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)addr + 3 * SZ_64K - 1));
	KUNIT_EXPECT_EQ(test, 0, byte);
	expect_present(test, addr, 2 * FEW, FEW);
	vm_munmap(addr, SMALL);
}

static void write_maps_around(struct kunit *test)
{
	const struct { const char *attrs; unsigned long first, count; } cases[] = {
		{ "backing=paged granule=PAGE", 2 * FEW, FEW },
		{ "backing=paged granule=PAGE dirty=1", 3 * FEW - 1, 1 },
	};

	fixture_needs_map_pages(test);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned long addr = map_filled(test, cases[i].attrs);
		u8 __user *user = (u8 __user *)addr + 3 * SZ_64K - 1;

		KUNIT_ASSERT_EQ(test, 0, put_user((u8)2, user));
		expect_present(test, addr, cases[i].first, cases[i].count);
		vm_munmap(addr, SMALL);
	}
}

static struct kunit_case around_test_cases[] = {
	KUNIT_CASE_PARAM(fault_maps_around, around_gen_params),
	KUNIT_CASE(fault_around_keeps_holes),
	KUNIT_CASE(fault_around_stays_in_vma),
	KUNIT_CASE(fault_around_skips_mapped_page),
	KUNIT_CASE(refill_maps_fault_around_bytes),
	KUNIT_CASE(write_maps_around),
	{}
};

static struct kunit_suite around_suite = {
	.name		= "mapdev_around",
	.test_cases	= around_test_cases,
};

kunit_test_suite(around_suite);
