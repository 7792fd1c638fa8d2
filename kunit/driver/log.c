// SPDX-License-Identifier: GPL-2.0
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "dirty.h"
#include "fixture.h"
#include "log.h"

#define MAX_RUNS 64

const struct log_case log_cases[LOG_CASES] = {
	{ "paged page", "dirty=1 granule=PAGE" },
	{ "paged 64K", "dirty=1 granule=65536" },
	{ "pages", "dirty=1 backing=pages" },
	{ "vmalloc", "dirty=1 backing=vmalloc" },
	{ "contig pin", "dirty=1 backing=contig pin=1" },
};

void log_case_name(const struct log_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

static unsigned long map_region(struct kunit *test, struct file *file, u64 size)
{
	unsigned long addr = fixture_map(test, file, 0, size,
					 PROT_READ | PROT_WRITE);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

void log_map_runs(struct kunit *test, struct log_fixture *fx)
{
	struct mapdev_region *other = fixture_region(test, SZ_64K);
	struct file *file = fixture_open(test, other, O_RDWR);

	fx->runs = (void __user *)map_region(test, file, SZ_64K);
}

void log_init_with(struct kunit *test, struct log_fixture *fx,
		   const char *attrs)
{
	log_map_runs(test, fx);
	fx->region = fixture_region_with(test, LOG_SIZE, attrs);
	fx->file = fixture_open(test, fx->region, O_RDWR);
	fx->user = (u8 __user *)map_region(test, fx->file, LOG_SIZE);
}

void log_init(struct kunit *test, struct log_fixture *fx)
{
	const struct log_case *c = test->param_value;

	log_init_with(test, fx, c->attrs);
}

u64 log_collect(struct kunit *test, struct log_fixture *fx, u64 *first)
{
	struct mapdev_dirty args = {
		.size = sizeof(args),
		.length = U64_MAX,
		.runs = (uintptr_t)fx->runs,
		.capacity = MAX_RUNS,
	};
	struct mapdev_run runs[MAX_RUNS];
	u64 sum = 0;

	KUNIT_ASSERT_EQ(test, 0,
			mapdev_dirty_collect(fx->region, &args, fx->runs +
					     MAX_RUNS));
	KUNIT_ASSERT_EQ(test, 0, args.length);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(runs, fx->runs, sizeof(runs)));
	*first = args.count ? runs[0].offset : U64_MAX;
	for (u32 i = 0; i < args.count; i++)
		sum += runs[i].length;
	return sum;
}

void log_expect_clean(struct kunit *test, struct log_fixture *fx)
{
	u64 first;

	KUNIT_EXPECT_EQ(test, 0, log_collect(test, fx, &first));
	KUNIT_EXPECT_FALSE(test, mapdev_dirty_pending(fx->region));
}

void log_expect_dirty(struct kunit *test, struct log_fixture *fx, pgoff_t page)
{
	u64 unit = fx->region->attrs.granule, first;

	KUNIT_EXPECT_TRUE(test, mapdev_dirty_pending(fx->region));
	KUNIT_EXPECT_EQ(test, unit, log_collect(test, fx, &first));
	KUNIT_EXPECT_EQ(test, round_down((u64)page << PAGE_SHIFT, unit), first);
	log_expect_clean(test, fx);
}

struct page *log_write_page(struct kunit *test, struct log_fixture *fx,
			    pgoff_t page)
{
	struct page *found = NULL;

	KUNIT_ASSERT_EQ(test, 1,
			get_user_pages_fast((unsigned long)fx->user +
					    (page << PAGE_SHIFT), 1, FOLL_WRITE,
					    &found));
	put_page(found);
	return found;
}
