// SPDX-License-Identifier: GPL-2.0
/* The life of a region: names, limits, states and references. */
#include <linux/file.h>

#include "fixture.h"
#include "region.h"

static int create_errno_of(const char *backing, const char *name, u64 size)
{
	struct mapdev_region *region;
	struct mapdev_attrs attrs;

	mapdev_attrs_init(&attrs);
	attrs.size = size;
	mapdev_attrs_set(&attrs, name, "backing", backing);
	region = mapdev_region_create(name, &attrs);
	if (IS_ERR(region))
		return PTR_ERR(region);
	mapdev_region_retire(region);
	return 0;
}

static int create_errno(const char *name, u64 size)
{
	return create_errno_of(IS_ENABLED(CONFIG_MMU) ? "paged" : "vmalloc",
			       name, size);
}

/* ids: LK-21 PA-25 */
static void create_and_retire(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);
	struct file *file;

	KUNIT_EXPECT_EQ(test, MAPDEV_LIVE, mapdev_region_state(region));
	file = fixture_open(test, region, O_RDWR);
	KUNIT_EXPECT_PTR_EQ(test, file->f_mapping, region->inode->i_mapping);

	/* The file keeps the region, but gives no access to it any more. */
	kref_get(&region->refs);
	fixture_retire(test, region);
	KUNIT_EXPECT_EQ(test, MAPDEV_RETIRED, mapdev_region_state(region));
	KUNIT_EXPECT_EQ(test, -ENOENT, fixture_try_open(region, O_RDWR));
	KUNIT_EXPECT_EQ(test, -ENODEV,
			mapdev_region_restore(region, MAPDEV_OFF_RETIRED));
	KUNIT_EXPECT_EQ(test, MAPDEV_RETIRED, mapdev_region_state(region));
	mapdev_region_put(region);
}

struct name_case {
	const char *name;
	int err;
};

#define NAME_63 "123456789-123456789-123456789-123456789-123456789-123456789-123"

static const struct name_case name_cases[] = {
	{ "a", 0 },
	{ "A-b_c.0", 0 },
	{ "..", -EINVAL },
	{ ".hidden", -EINVAL },
	{ "", -EINVAL },
	{ "a/b", -EINVAL },
	{ "a b", -EINVAL },
	{ "a\n", -EINVAL },
	{ "\303\244", -EINVAL },
	{ "\344", -EINVAL },
	{ NAME_63, 0 },
	{ NAME_63 "4", -ENAMETOOLONG },
};

static void name_case_name(const struct name_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "\"%*pE\"",
		 (int)strlen(c->name), c->name);
}

KUNIT_ARRAY_PARAM(name, name_cases, name_case_name);

static void create_checks_name(struct kunit *test)
{
	const struct name_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->err, create_errno(c->name, PAGE_SIZE));
}

static void create_refuses_taken_name(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);

	KUNIT_EXPECT_EQ(test, -EEXIST,
			create_errno(mapdev_name(region), PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, MAPDEV_LIVE, mapdev_region_state(region));
	KUNIT_EXPECT_EQ(test, 0, fixture_try_open(region, O_RDWR));
}

/*
 * Refused and retired regions are not counted, so the same size fits each time.
 * The limit is checked before memory is allocated.
 */
static void create_respects_max_bytes(struct kunit *test)
{
	static const char * const backings[] = {
		"paged", "pages", "vmalloc", "contig",
	};
	u64 half = ((u64)totalram_pages() << PAGE_SHIFT) / 2;

	if (!IS_ENABLED(CONFIG_MMU))
		kunit_skip(test, "without an MMU, half of RAM is never contiguous");
	half = round_down(half, 2 * PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(backings); i++)
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				create_errno_of(backings[i], "kunit-max",
						half * 4));
	for (int i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 0, create_errno("kunit-max", half / 2));
}

static void revoke_and_restore(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);

	KUNIT_EXPECT_EQ(test, -EALREADY,
			mapdev_region_restore(region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, mapdev_region_revoke(region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, MAPDEV_REVOKED, mapdev_region_state(region));
	KUNIT_EXPECT_EQ(test, -ENODEV, fixture_try_open(region, O_RDWR));
	KUNIT_EXPECT_EQ(test, -EALREADY,
			mapdev_region_revoke(region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, mapdev_region_restore(region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, MAPDEV_LIVE, mapdev_region_state(region));
	KUNIT_EXPECT_EQ(test, 0, fixture_try_open(region, O_RDWR));
}

/* A region is live again only if both root and the owner restore it. */
static void restore_needs_both_reasons(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);

	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
	mapdev_region_revoke(region, MAPDEV_OFF_OWNER);
	mapdev_region_restore(region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_EQ(test, MAPDEV_REVOKED, mapdev_region_state(region));
	mapdev_region_restore(region, MAPDEV_OFF_OWNER);
	KUNIT_EXPECT_EQ(test, MAPDEV_LIVE, mapdev_region_state(region));
}

/* ids: LK-21 LK-23 */
static void open_holds_region(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);
	unsigned int before = kref_read(&region->refs);

	fixture_open(test, region, O_RDONLY);
	KUNIT_EXPECT_EQ(test, before + 1, kref_read(&region->refs));
	KUNIT_EXPECT_EQ(test, 0, fixture_try_open(region, O_RDONLY));
	KUNIT_EXPECT_EQ(test, before + 1, kref_read(&region->refs));
}

static void refused_open_holds_nothing(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, SZ_1M);
	unsigned int before = kref_read(&region->refs);

	mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_EQ(test, -ENODEV, fixture_try_open(region, O_RDONLY));
	KUNIT_EXPECT_EQ(test, before, kref_read(&region->refs));
}

/* A stale node must not open another region. */
static void minors_are_not_reused(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	dev_t before = region->devt;

	fixture_retire(test, region);
	region = fixture_region(test, PAGE_SIZE);
	KUNIT_EXPECT_NE(test, before, region->devt);
}

static struct kunit_case life_cases[] = {
	KUNIT_CASE(create_and_retire),
	KUNIT_CASE_PARAM(create_checks_name, name_gen_params),
	KUNIT_CASE(create_refuses_taken_name),
	KUNIT_CASE(create_respects_max_bytes),
	KUNIT_CASE(revoke_and_restore),
	KUNIT_CASE(restore_needs_both_reasons),
	KUNIT_CASE(open_holds_region),
	KUNIT_CASE(refused_open_holds_nothing),
	KUNIT_CASE(minors_are_not_reused),
	{}
};

static struct kunit_suite life_suite = {
	.name		= "mapdev_life",
	.test_cases	= life_cases,
};

kunit_test_suite(life_suite);
