// SPDX-License-Identifier: GPL-2.0
/* Attributes: which strings are accepted, and what they set. */
#include <linux/sizes.h>

#include "fixture.h"

struct attr_case {
	const char *name;
	const char *value;
	int err;
	u64 number;
};

static const struct attr_case attr_cases[] = {
	{ "size", "4096", 0, 4096 },
	{ "size", "64K", 0, SZ_64K },
	{ "size", "64k", 0, SZ_64K },
	{ "size", "3M", 0, 3 * SZ_1M },
	{ "size", "2G", 0, SZ_2G },
	{ "size", "17179869183G", 0, 17179869183ULL << 30 },
	{ "size", "17179869184G", -EINVAL },
	{ "size", "18446744073709551616", -EINVAL },
	{ "size", "", -EINVAL },
	{ "size", "K", -EINVAL },
	{ "size", "-1", -EINVAL },
	{ "size", "+1", -EINVAL },
	{ "size", "0x1000", -EINVAL },
	{ "size", "4096 ", -EINVAL },
	{ "size", "4KK", -EINVAL },
	{ "size", "4T", -EINVAL },
	{ "size", "128\nK", -EINVAL },
	{ "size", "\n128K", -EINVAL },
	{ "size", "4096\n", -EINVAL },
	{ "backing", "paged", 0 },
	{ "backing", "page", -EINVAL },
	{ "backing", "", -EINVAL },
	{ "granule", "0", -EINVAL },
	{ "granule", "1", -EINVAL },
	{ "granule", "12K", -EINVAL },
	{ "granule", "1G", -EINVAL },
	{ "granule", "64\nK", -EINVAL },
	{ "numa_node", "-1", 0 },
	{ "numa_node", "0", 0 },
	{ "numa_node", "0\n", -EINVAL },
	{ "numa_node", "-2", -EINVAL },
	{ "numa_node", "63", -EINVAL },
	{ "numa_node", "65536", -EINVAL },
	{ "numa_node", "one", -EINVAL },
	{ "mode", "644", 0 },
	{ "mode", "1777", -EINVAL },
	{ "mode", "8", -EINVAL },
	{ "mode", "644\n", -EINVAL },
	{ "phys", "0x1000", 0 },
	{ "phys", "0x1000\n", -EINVAL },
	{ "ro", "0", 0 },
	{ "ro", "1", 0 },
	{ "ro", "2", -EINVAL },
	{ "ro", "1\n", -EINVAL },
	{ "ro", "yes", -EINVAL },
	{ "colour", "blue", -EINVAL },
	{ "", "", -EINVAL },
};

static void attr_case_name(const struct attr_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s=%*pE", c->name,
		 (int)strlen(c->value), c->value);
}

KUNIT_ARRAY_PARAM(attr, attr_cases, attr_case_name);

static void attr_parse(struct kunit *test)
{
	const struct attr_case *c = test->param_value;
	struct mapdev_attrs attrs;

	mapdev_attrs_init(&attrs);
	KUNIT_EXPECT_EQ(test, c->err,
			mapdev_attrs_set(&attrs, "kunit", c->name, c->value));
	if (c->number)
		KUNIT_EXPECT_EQ(test, c->number, attrs.size);
}

/* Granules range from a page to the largest folio. */
static void attr_granule_bounds(struct kunit *test)
{
	const struct { u64 bytes; int err; } cases[] = {
		{ PAGE_SIZE / 2, -EINVAL },
		{ PAGE_SIZE, 0 },
		{ mapdev_max_granule(), 0 },
		{ mapdev_max_granule() * 2, -EINVAL },
	};
	struct mapdev_attrs attrs;
	char value[24];

	mapdev_attrs_init(&attrs);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(value, sizeof(value), "%llu", cases[i].bytes);
		KUNIT_EXPECT_EQ_MSG(test, cases[i].err,
				    mapdev_attrs_set(&attrs, "kunit", "granule",
						     value),
				    "granule %s", value);
	}
	KUNIT_EXPECT_EQ(test, mapdev_max_granule(), attrs.granule);
}

static void attrs_check_size(struct kunit *test)
{
	const struct { u64 size; int err; } cases[] = {
		{ 0, -EINVAL },
		{ 1, -EINVAL },
		{ PAGE_SIZE - 1, -EINVAL },
		{ PAGE_SIZE, 0 },
		{ PAGE_SIZE + 1, -EINVAL },
		{ ~(u64)PAGE_SIZE + 1, -EINVAL },
	};
	struct mapdev_attrs attrs;

	mapdev_attrs_init(&attrs);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		attrs.size = cases[i].size;
		KUNIT_EXPECT_EQ_MSG(test, cases[i].err,
				    mapdev_attrs_check(&attrs, "kunit"),
				    "size %llu", cases[i].size);
	}
}

static struct kunit_case attrs_cases[] = {
	KUNIT_CASE_PARAM(attr_parse, attr_gen_params),
	KUNIT_CASE(attr_granule_bounds),
	KUNIT_CASE(attrs_check_size),
	{}
};

static struct kunit_suite attrs_suite = {
	.name		= "mapdev_attrs",
	.test_cases	= attrs_cases,
};

kunit_test_suite(attrs_suite);
