// SPDX-License-Identifier: GPL-2.0
/* A sparse region of 1 TiB with a dirty log. */
#include "dirty.h"
#include "module.h"
#include "test.h"

#define TERABYTE	(1024ULL << 30)

FIXTURE(terabyte) {
	struct region r;
	int fd;
};

FIXTURE_VARIANT(terabyte) {
	const char *granule;
};

FIXTURE_VARIANT_ADD(terabyte, page) { "PAGE" };
FIXTURE_VARIANT_ADD(terabyte, granule_64K) { "64K" };
FIXTURE_VARIANT_ADD(terabyte, granule_2M) { "2M" };

FIXTURE_SETUP(terabyte)
{
	char attrs[64];

	ASSERT_EQ(0, module_unload("mapdev"));
	ASSERT_EQ(0, module_load("mapdev", "max_bytes=1099511627776"));
	snprintf(attrs, sizeof(attrs), "size=1024G dirty=1 granule=%s",
		 variant->granule);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(terabyte)
{
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(0, module_unload("mapdev"));
	/* As scripts/test/guest has it. */
	EXPECT_EQ(0, module_load("mapdev", "allow_phys=1"));
}

/* The number of runs of one report, or -errno. */
static int ask_all(int fd, struct mapdev_run *runs, u32 capacity)
{
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.length = TERABYTE,
		.runs = (uintptr_t)runs,
		.capacity = capacity,
	};
	int err = ask(fd, &dirty);

	return err ?: dirty.length ? -EPROTO : (int)dirty.count;
}

static void expect_run(struct __test_metadata *_metadata, int fd, u64 offset,
		       u64 length)
{
	struct mapdev_run runs[4] = {};

	EXPECT_EQ(1, ask_all(fd, runs, ARRAY_SIZE(runs)));
	EXPECT_EQ(offset, runs[0].offset);
	EXPECT_EQ(length, runs[0].length);
	EXPECT_EQ(0, ask_all(fd, runs, ARRAY_SIZE(runs)));
}

TEST_F(terabyte, discard)
{
	const u64 places[] = { 0, TERABYTE / 2 - 1, TERABYTE - 1 };
	struct mapdev_run runs[4];
	u8 byte = 1;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		ASSERT_EQ(1, pwrite(self->fd, &byte, 1, places[i]));
	EXPECT_EQ(3, ask_all(self->fd, runs, ARRAY_SIZE(runs)));

	/* Holes count, too. */
	ASSERT_EQ(0, region_discard(self->fd, 0, TERABYTE));
	expect_run(_metadata, self->fd, 0, TERABYTE);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ASSERT_EQ(1, pread(self->fd, &byte, 1, places[i]));
		EXPECT_EQ(0, byte);
	}
	ASSERT_EQ(0, region_discard(self->fd, TERABYTE / 4, TERABYTE / 2));
	expect_run(_metadata, self->fd, TERABYTE / 4, TERABYTE / 2);
}

/* Undelivered runs are marked again. */
TEST_F(terabyte, lost_answer_is_kept)
{
	u8 byte = 1;

	ASSERT_EQ(1, pwrite(self->fd, &byte, 1, TERABYTE / 2));
	ASSERT_EQ(0, region_discard(self->fd, 0, TERABYTE));
	EXPECT_EQ(-EFAULT, ask_all(self->fd, (struct mapdev_run *)PAGE, 4));
	expect_run(_metadata, self->fd, 0, TERABYTE);
}

/* New pages are marked, and marked ones stay so. */
TEST_F(terabyte, resize)
{
	ASSERT_EQ(0, region_resize(self->fd, TERABYTE / 2));
	ASSERT_EQ(0, region_resize(self->fd, TERABYTE));
	expect_run(_metadata, self->fd, TERABYTE / 2, TERABYTE / 2);
	ASSERT_EQ(0, region_discard(self->fd, 0, TERABYTE));
	ASSERT_EQ(0, region_resize(self->fd, TERABYTE / 2));
	ASSERT_EQ(0, region_resize(self->fd, TERABYTE));
	expect_run(_metadata, self->fd, 0, TERABYTE);
}

TEST_HARNESS_MAIN
