// SPDX-License-Identifier: GPL-2.0
/* Memory of another driver: linux/mapdev.h as a client uses it. */
#include <kunit/device.h>
#include <linux/mapdev.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "fixture.h"
#include "region.h"

#define LENT_PAGES	16
#define LENT_SIZE	(LENT_PAGES * PAGE_SIZE)

struct lend_fixture {
	struct page *pages[LENT_PAGES];
	struct mapdev_desc desc;
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
};

KUNIT_DEFINE_ACTION_WRAPPER(retire_action, mapdev_unregister,
			    struct mapdev_region *);

static void free_action(void *context)
{
	struct page **pages = context;

	for (int i = 0; i < LENT_PAGES; i++)
		__free_page(pages[i]);
}

/* One contiguous block, which can be passed as pages and as a range. */
static void fixture_alloc(struct kunit *test, struct lend_fixture *fx)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO,
					ilog2(LENT_PAGES));

	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, ilog2(LENT_PAGES));
	for (int i = 0; i < LENT_PAGES; i++)
		fx->pages[i] = page + i;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_action,
							   fx->pages));
	fx->desc = (struct mapdev_desc){
		.name	= "kunit-lent",
		.size	= LENT_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= fx->pages,
	};
	if (test->param_value &&
	    *(enum mapdev_memory *)test->param_value == MAPDEV_EXPORT_RANGE) {
		fx->desc.memory = MAPDEV_EXPORT_RANGE;
		fx->desc.first = page;
	}
}

static struct lend_fixture *fixture_lend(struct kunit *test)
{
	struct lend_fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);
	unsigned long addr;

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fixture_alloc(test, fx);
	/* A device without power management. */
	fx->desc.parent = kunit_device_register(test, "kunit-lender");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx->desc.parent);
	fx->region = mapdev_register(&fx->desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx->region);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, retire_action,
							   fx->region));
	fx->file = fixture_open(test, fx->region, O_RDWR);
	addr = fixture_map(test, fx->file, 0, LENT_SIZE,
			   PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	fx->user = (u8 __user *)addr;
	return fx;
}

static const enum mapdev_memory kinds[] = {
	MAPDEV_EXPORT_PAGES, MAPDEV_EXPORT_RANGE,
};

static void kind_name(const enum mapdev_memory *kind, char *desc)
{
	strscpy(desc, *kind == MAPDEV_EXPORT_PAGES ? "pages" : "range",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_name);

static u8 *lent_byte(struct lend_fixture *fx, size_t offset)
{
	return page_address(fx->pages[offset >> PAGE_SHIFT]) +
	       offset_in_page(offset);
}

/* Every page is at its offset, in the mapping and for read(2). */
static void mapping_shows_lent_memory(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);
	u8 byte;

	for (size_t at = 3; at < LENT_SIZE; at += PAGE_SIZE) {
		loff_t pos = at;

		*lent_byte(fx, at) = at >> PAGE_SHIFT;
		KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx->user + at));
		KUNIT_EXPECT_EQ(test, at >> PAGE_SHIFT, byte);
		KUNIT_EXPECT_EQ(test, 0, put_user((u8)99, fx->user + at));
		KUNIT_EXPECT_EQ(test, 99, *lent_byte(fx, at));
		KUNIT_EXPECT_EQ(test, 1, kernel_read(fx->file, &byte, 1, &pos));
		KUNIT_EXPECT_EQ(test, 99, byte);
	}
	KUNIT_EXPECT_EQ(test, LENT_SIZE, i_size_read(fx->region->inode));
}

/*
 * Although the region is mapped and open, no page is referenced or reachable.
 */
static void retire_releases_pages(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);
	loff_t pos = 0;
	u8 byte = 0;

	for (size_t at = 0; at < LENT_SIZE; at += PAGE_SIZE)
		KUNIT_EXPECT_EQ(test, 0, put_user((u8)1, fx->user + at));
	kunit_release_action(test, retire_action, fx->region);

	for (int i = 0; i < LENT_PAGES; i++) {
		KUNIT_EXPECT_EQ(test, 1, page_count(fx->pages[i]));
		KUNIT_EXPECT_FALSE(test, folio_mapped(page_folio(fx->pages[i])));
	}
	KUNIT_EXPECT_EQ(test, -EFAULT, get_user(byte, fx->user));
	KUNIT_EXPECT_EQ(test, -ENODEV, kernel_read(fx->file, &byte, 1, &pos));
	KUNIT_EXPECT_NULL(test, fx->region->pages);
}

static void read_only_memory_stays_so(struct kunit *test)
{
	struct lend_fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	fixture_alloc(test, fx);
	fx->desc.ro = true;
	fx->region = mapdev_register(&fx->desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx->region);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, retire_action,
							   fx->region));
	fx->file = fixture_open(test, fx->region, O_RDWR);
	KUNIT_EXPECT_EQ(test, -EACCES,
			(long)fixture_map(test, fx->file, 0, LENT_SIZE,
					  PROT_READ | PROT_WRITE));
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE(fixture_map(test, fx->file, 0,
							  LENT_SIZE,
							  PROT_READ)));
}

static void owner_and_root_revoke_apart(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);
	u8 byte = 1;

	KUNIT_EXPECT_EQ(test, -EALREADY, mapdev_restore(fx->region));
	KUNIT_EXPECT_EQ(test, 0, mapdev_revoke(fx->region));
	KUNIT_EXPECT_EQ(test, -EALREADY, mapdev_revoke(fx->region));
	KUNIT_EXPECT_EQ(test, 0,
			mapdev_region_revoke(fx->region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, mapdev_restore(fx->region));
	KUNIT_EXPECT_EQ(test, -EFAULT, get_user(byte, fx->user));
	KUNIT_EXPECT_EQ(test, 0,
			mapdev_region_restore(fx->region, MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx->user));
	KUNIT_EXPECT_EQ(test, 0, byte);
}

/* An open file of a retired region does not keep the parent device. */
static void retire_releases_parent(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);
	struct device *owner = fx->desc.parent;
	unsigned int refs;

	fixture_open(test, fx->region, O_RDONLY);
	KUNIT_EXPECT_EQ(test, 2, fx->region->awake);
	kunit_release_action(test, retire_action, fx->region);
	KUNIT_EXPECT_EQ(test, 0, fx->region->awake);

	refs = kref_read(&owner->kobj.kref);
	vm_munmap((unsigned long)fx->user, LENT_SIZE);
	fixture_close(test, fx->file);
	KUNIT_EXPECT_EQ(test, refs, kref_read(&owner->kobj.kref));
}

/* Lent memory does not count for max_bytes. */
static void lent_memory_is_not_counted(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);

	KUNIT_EXPECT_EQ(test, 0, fx->region->bytes);
}

/* dirty.c checks the marks. */
static void mark_dirty_checks_range(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);

	if (fx->desc.memory != MAPDEV_EXPORT_PAGES) {
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				mapdev_mark_dirty(fx->region, 0, 1));
		return;
	}
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx->region, 1, LENT_SIZE - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mapdev_mark_dirty(fx->region, LENT_SIZE, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mapdev_mark_dirty(fx->region, 1, U64_MAX));
}

/* --- Refused descriptors --- */

struct bad_desc {
	const char *name;
	void (*spoil)(struct mapdev_desc *desc);
	int err;
};

#define SPOIL(_name, _change)						\
	static void spoil_##_name(struct mapdev_desc *desc)		\
	{								\
		_change;						\
	}

SPOIL(size, desc->size = PAGE_SIZE + 1)
SPOIL(no_size, desc->size = 0)
SPOIL(memory, desc->memory = 7)
SPOIL(no_pages, desc->pages = NULL)
SPOIL(cache, desc->cache = MAPDEV_WC)
SPOIL(mode, desc->mode = 04600)
SPOIL(hole, desc->hole_size = PAGE_SIZE)
SPOIL(name, desc->name = "a/b")
SPOIL(dots, desc->name = "..")
SPOIL(name_and_mode, (desc->mode = 04600, desc->name =
	"a-name-that-is-longer-than-the-63-characters-that-a-name-can-have"))
SPOIL(phys, (desc->memory = MAPDEV_EXPORT_FRAMES, desc->phys = 12))
SPOIL(hole_outside, (desc->memory = MAPDEV_EXPORT_FRAMES, desc->phys = 0,
		     desc->hole_offset = PAGE_SIZE, desc->hole_size = desc->size))

static const struct bad_desc bad_descs[] = {
	{ "size", spoil_size, -EINVAL },
	{ "no size", spoil_no_size, -EINVAL },
	{ "memory", spoil_memory, -EINVAL },
	{ "no pages", spoil_no_pages, -EINVAL },
	{ "cache", spoil_cache, -EINVAL },
	{ "mode", spoil_mode, -EINVAL },
	{ "hole", spoil_hole, -EINVAL },
	{ "name", spoil_name, -EINVAL },
	{ "dots", spoil_dots, -EINVAL },
	{ "name and mode", spoil_name_and_mode, -ENAMETOOLONG },
	{ "phys", spoil_phys, -EINVAL },
	{ "hole outside", spoil_hole_outside, -EINVAL },
};

static void bad_desc_name(const struct bad_desc *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_desc, bad_descs, bad_desc_name);

static void register_refuses(struct kunit *test)
{
	struct lend_fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);
	const struct bad_desc *c = test->param_value;
	struct mapdev_region *region;

	test->param_value = NULL;
	KUNIT_ASSERT_NOT_NULL(test, fx);
	fixture_alloc(test, fx);
	c->spoil(&fx->desc);
	region = mapdev_register(&fx->desc);
	KUNIT_EXPECT_EQ(test, c->err, PTR_ERR_OR_ZERO(region));
	if (!IS_ERR(region))
		mapdev_unregister(region);
}

/* Pages that mm core refuses to map are refused at registration. */
static void register_refuses_unmappable_page(struct kunit *test)
{
	struct lend_fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);
	u8 *slab = kunit_kzalloc(test, 64, GFP_KERNEL);
	u8 *large = kunit_kzalloc(test, 4 * KMALLOC_MAX_CACHE_SIZE, GFP_KERNEL);
	struct page *bad[4], *page;

	KUNIT_ASSERT_NOT_NULL(test, fx);
	KUNIT_ASSERT_NOT_NULL(test, slab);
	KUNIT_ASSERT_NOT_NULL(test, large);
	fixture_alloc(test, fx);
	bad[0] = NULL;
	bad[1] = virt_to_page(slab);
	bad[2] = virt_to_page(large + PAGE_SIZE);
	bad[3] = ZERO_PAGE(0);
	page = fx->pages[LENT_PAGES - 1];
	for (int dirty = 0; dirty < 2; dirty++) {
		fx->desc.dirty = dirty;
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			fx->pages[LENT_PAGES - 1] = bad[i];
			KUNIT_EXPECT_PTR_EQ_MSG(test, ERR_PTR(-EINVAL),
						mapdev_register(&fx->desc),
						"page %zu", i);
		}
	}
	fx->pages[LENT_PAGES - 1] = page;
	for (int i = 0; i < LENT_PAGES; i++)
		KUNIT_EXPECT_NULL(test, fx->pages[i]->mapping);
}

/* A block of a higher order has one reference until it is split. */
static void register_refuses_unsplit_block(struct kunit *test)
{
	struct page *block = alloc_pages(GFP_KERNEL | __GFP_ZERO, 2);
	struct page *pages[4];
	struct mapdev_desc desc = {
		.name	= "kunit-lent",
		.size	= ARRAY_SIZE(pages) * PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= pages,
	};
	struct mapdev_region *region;

	KUNIT_ASSERT_NOT_NULL(test, block);
	for (int i = 0; i < 4; i++)
		pages[i] = block + i;
	region = mapdev_register(&desc);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EINVAL), region);
	if (!IS_ERR(region))
		mapdev_unregister(region);

	split_page(block, 2);
	region = mapdev_register(&desc);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, region);
	if (!IS_ERR(region))
		mapdev_unregister(region);
	for (int i = 0; i < 4; i++)
		__free_page(pages[i]);
}

static void register_refuses_taken_name(struct kunit *test)
{
	struct lend_fixture *fx = fixture_lend(test);

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EEXIST), mapdev_register(&fx->desc));
	for (int i = 0; i < LENT_PAGES; i++)
		KUNIT_EXPECT_EQ(test, 1, page_count(fx->pages[i]));
}

static struct kunit_case lend_cases[] = {
	KUNIT_CASE_PARAM(mapping_shows_lent_memory, kind_gen_params),
	KUNIT_CASE_PARAM(retire_releases_pages, kind_gen_params),
	KUNIT_CASE_PARAM(read_only_memory_stays_so, kind_gen_params),
	KUNIT_CASE_PARAM(owner_and_root_revoke_apart, kind_gen_params),
	KUNIT_CASE_PARAM(retire_releases_parent, kind_gen_params),
	KUNIT_CASE_PARAM(lent_memory_is_not_counted, kind_gen_params),
	KUNIT_CASE_PARAM(mark_dirty_checks_range, kind_gen_params),
	KUNIT_CASE_PARAM(register_refuses, bad_desc_gen_params),
	KUNIT_CASE(register_refuses_unmappable_page),
	KUNIT_CASE(register_refuses_unsplit_block),
	KUNIT_CASE(register_refuses_taken_name),
	{}
};

static struct kunit_suite lend_suite = {
	.name = "mapdev_lend",
	.test_cases = lend_cases,
};

kunit_test_suite(lend_suite);
