// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations fail in paged regions, whose memory is allocated at first touch and freed
 * by discard and resize.
 */
#include "expect.h"

FIXTURE(own_cache) {
	struct subject s;
};

FIXTURE_VARIANT(own_cache) {
	const char *attrs;
};

FIXTURE_VARIANT_ADD(own_cache, page) {
	.attrs = "backing=paged granule=4K",
};

FIXTURE_VARIANT_ADD(own_cache, paged) {
	.attrs = "backing=paged",
};

FIXTURE_VARIANT_ADD(own_cache, paged_2M) {
	.attrs = "backing=paged granule=2M",
};

FIXTURE_VARIANT_ADD(own_cache, dirty) {
	.attrs = "backing=paged dirty=1",
};

FIXTURE_SETUP(own_cache)
{
	ASSERT_EQ(0, subject_open(&self->s, variant->attrs, MAPDEV_PAGED));
}

FIXTURE_TEARDOWN(own_cache)
{
	subject_close(_metadata, &self->s);
}

static void make_hole(void *ctx)
{
	region_discard(((struct subject *)ctx)->fd, 0, SIZE);
}

static void make_hole_mapped(void *ctx)
{
	make_hole(ctx);
	prepare_other(ctx);
}

static void fill_again(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	subject_stamp(s->map);
	expect_as_before(_metadata, ctx);
}

static void expect_zero(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_TRUE(all_zero(s->map, SIZE));
	fill_again(_metadata, ctx);
}

static void expect_written(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(5, load_byte(s->map + SIZE - 1));
	store_byte(s->map + SIZE - 1, 0);
	expect_zero(_metadata, ctx);
}

static void expect_stored_zero(struct __test_metadata *_metadata, void *ctx)
{
	munmap(((struct subject *)ctx)->other, SIZE);
	expect_written(_metadata, ctx);
}

static int write_last(void *ctx)
{
	u8 byte = 5;

	return pwrite(((struct subject *)ctx)->fd, &byte, 1, SIZE - 1) < 0 ?
		errno : 0;
}

/* If a large folio cannot be allocated, smaller ones are tried; finally ENOMEM. */
TEST_F(own_cache, write_to_hole)
{
	struct operation op = {
		.name = "write to a hole", .prepare = make_hole,
		.run = write_last, .undo = expect_written,
		.as_before = expect_zero,
	};
	struct injected sum = inject(_metadata, &op, &self->s);

	EXPECT_LE(1, sum.allocations);
	EXPECT_EQ(!strstr(variant->attrs, "=4K"), !sum.failures);
}

TEST_F(own_cache, store_to_hole)
{
	struct operation op = {
		.name = "store to a hole", .prepare = make_hole_mapped,
		.run = store_other, .undo = expect_stored_zero,
	};

	EXPECT_LE(3, inject(_metadata, &op, &self->s).allocations);
	EXPECT_EQ(0, region_stat(&self->s.r, "sigbus"));
}

TEST_F(own_cache, store_to_private)
{
	struct operation op = {
		.name = "store to a private mapping", .prepare = prepare_other,
		.run = store_other, .undo = expect_stored,
	};

	self->s.flags = MAP_PRIVATE;
	EXPECT_LE(3, inject(_metadata, &op, &self->s).allocations);
	EXPECT_EQ(0, region_stat(&self->s.r, "sigbus"));
}

static int read_hole(void *ctx)
{
	u8 byte;

	return pread(((struct subject *)ctx)->fd, &byte, 1, 0) < 0 ? errno : 0;
}

TEST_F(own_cache, read_hole)
{
	struct operation op = {
		.name = "read a hole", .prepare = make_hole, .run = read_hole,
		.undo = expect_zero,
	};

	EXPECT_EQ(0, inject(_metadata, &op, &self->s).allocations);
}

static int discard_most(void *ctx)
{
	return region_discard(((struct subject *)ctx)->fd, page,
			      SIZE - 2 * page);
}

static void expect_discarded(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_TRUE(all_zero(s->map + page, SIZE - 2 * page));
	EXPECT_EQ(16, differs(s->map, 0, 16, SEED));
	EXPECT_EQ(16, differs(s->map + SIZE - page, SIZE - page, 16, SEED));
	make_hole(ctx);
	fill_again(_metadata, ctx);
}

/* A folio that is discarded in part is split, or, if that fails, zeroed in part. */
TEST_F(own_cache, discard)
{
	struct operation op = {
		.name = "discard", .run = discard_most,
		.undo = expect_discarded,
	};

	EXPECT_EQ(0, inject(_metadata, &op, &self->s).failures);
}

static int grow(void *ctx)
{
	return region_resize(((struct subject *)ctx)->fd, 2 * SIZE);
}

static int shrink(void *ctx)
{
	return region_resize(((struct subject *)ctx)->fd, SIZE);
}

static off_t size_of(struct subject *s)
{
	return lseek(s->fd, 0, SEEK_END);
}

static void prepare_grown(void *ctx)
{
	struct subject *s = ctx;

	grow(ctx);
	pwrite(s->fd, "x", 1, SIZE);
}

static void expect_small(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_EQ(SIZE, size_of(ctx));
	expect_as_before(_metadata, ctx);
}

static void expect_large(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_EQ(2 * SIZE, size_of(ctx));
	EXPECT_EQ(0, shrink(ctx));
	expect_small(_metadata, ctx);
}

/* Only the dirty log grows with the region. */
TEST_F(own_cache, resize)
{
	struct operation larger = {
		.name = "resize, larger", .run = grow, .undo = expect_large,
		.as_before = expect_small,
	};
	struct operation smaller = {
		.name = "resize, smaller", .prepare = prepare_grown,
		.run = shrink, .undo = expect_small,
	};
	bool dirty = strstr(variant->attrs, "dirty");

	EXPECT_EQ(dirty, inject(_metadata, &larger, &self->s).failures > 0);
	EXPECT_EQ(0, inject(_metadata, &smaller, &self->s).failures);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
