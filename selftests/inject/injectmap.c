// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations fail while a region is mapped, touched, read, written and controlled:
 * ENOMEM, or the fault is retried, and the state is unchanged. What is shown here to
 * allocate nothing cannot fail for lack of memory.
 */
#include <poll.h>

#include "expect.h"

FIXTURE(mapped) {
	struct subject s;
};

FIXTURE_VARIANT(mapped) {
	const char *attrs;
	enum mapdev_backing_type type;
	bool eager;
};

#define MAPPED(_name, _attrs, _type, _eager)				\
	FIXTURE_VARIANT_ADD(mapped, _name)				\
	{ .attrs = _attrs, .type = _type, .eager = _eager };
FOR_EACH_BACKING(MAPPED)
MAPPED(paged_dirty, "backing=paged dirty=1", MAPDEV_PAGED, false)
MAPPED(pages_dirty, "backing=pages dirty=1", MAPDEV_PAGES, false)

FIXTURE_SETUP(mapped)
{
	ASSERT_EQ(0, subject_open(&self->s, variant->attrs, variant->type));
}

FIXTURE_TEARDOWN(mapped)
{
	subject_close(_metadata, &self->s);
}

TEST_F(mapped, mmap)
{
	bool window = variant->type == MAPDEV_WINDOW;
	struct operation op = {
		.name = "mmap", .run = map_other, .undo = unmap_other,
		.as_before = expect_as_before,
		/* mm core's errnos for page tables and for PAT. */
		.too = !variant->eager ? ENOMEM : window ? EINVAL : EFAULT,
	};

	/* An eager mapping allocates page tables, too. */
	EXPECT_LE(variant->eager ? 4 : 1, inject(_metadata, &op, &self->s).failures);
}

/* --- touches: the fault returns VM_FAULT_OOM, and is retried --- */

TEST_F(mapped, load)
{
	struct injected sum = touch_with(_metadata, &self->s, false);

	EXPECT_EQ(variant->eager, !sum.allocations);
}

TEST_F(mapped, store)
{
	struct injected sum = touch_with(_metadata, &self->s, true);

	EXPECT_EQ(variant->eager, !sum.allocations);
}

static void prepare_loaded(void *ctx)
{
	map_other(ctx);
	load_other(ctx);
	load_byte(((struct subject *)ctx)->other + SIZE - 1);
}

/* The entry exists, and at most has to become writable. */
TEST_F(mapped, store_after_load)
{
	struct operation op = {
		.name = "store after load", .prepare = prepare_loaded,
		.run = store_other, .undo = expect_stored,
	};

	EXPECT_EQ(0, inject(_metadata, &op, &self->s).allocations);
	EXPECT_EQ(0, region_stat(&self->s.r, "sigbus"));
}

/* --- read, write, ioctl, poll --- */

static int write_last(void *ctx)
{
	u8 byte = 0;

	return pwrite(((struct subject *)ctx)->fd, &byte, 1, SIZE - 1) < 0 ?
		errno : 0;
}

static int read_last(void *ctx)
{
	u8 byte = 0;

	return pread(((struct subject *)ctx)->fd, &byte, 1, SIZE - 1) < 0 ?
		errno : 0;
}

static int ask_info(void *ctx)
{
	struct mapdev_info info = { .size = sizeof(info) };

	return ioctl(((struct subject *)ctx)->fd, MAPDEV_IOC_INFO, &info) ?
		errno : 0;
}

static int revoke_and_restore(void *ctx)
{
	struct subject *s = ctx;

	if (ioctl(s->fd, MAPDEV_IOC_REVOKE, 0) ||
	    ioctl(s->fd, MAPDEV_IOC_RESTORE, 0))
		return errno;
	return 0;
}

static int poll_once(void *ctx)
{
	struct pollfd pollfd = {
		.fd = ((struct subject *)ctx)->fd, .events = POLLIN,
	};

	return poll(&pollfd, 1, 0) == 1 ? 0 : EINVAL;
}

TEST_F(mapped, takes_no_memory)
{
	struct operation ops[] = {
		{ .name = "write", .run = write_last },
		{ .name = "read", .run = read_last },
		{ .name = "ioctl info", .run = ask_info },
		{ .name = "poll", .run = poll_once },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct injected sum = inject(_metadata, &ops[i], &self->s);

		EXPECT_EQ(0, sum.allocations);
	}
}

/* The memory that a zap asks for is optional. */
TEST_F(mapped, revoke)
{
	struct operation op = {
		.name = "revoke and restore", .run = revoke_and_restore,
		.undo = expect_as_before,
	};

	EXPECT_EQ(0, inject(_metadata, &op, &self->s).failures);
}

/* --- mappings that change --- */

static int move(void *ctx)
{
	struct subject *s = ctx;

	return mremap(s->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		      AREA) == MAP_FAILED ? errno : 0;
}

static void move_back(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(SIZE, subject_unlike(AREA));
	EXPECT_EQ(s->map, mremap(AREA, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				 s->map));
	expect_as_before(_metadata, ctx);
}

TEST_F(mapped, mremap)
{
	struct operation op = {
		.name = "mremap", .run = move, .undo = move_back,
		.as_before = expect_as_before,
	};

	EXPECT_LE(1, inject(_metadata, &op, &self->s).failures);
}

static int split(void *ctx)
{
	struct subject *s = ctx;

	return munmap(s->map + SIZE / 2, page) ? errno : 0;
}

/* mm core may have split the mapping at one end, but has unmapped nothing. */
static void expect_all_of_it(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(region_mappings(&s->r), count_mappings(s->map, SIZE));
	EXPECT_EQ(SIZE, subject_unlike(s->map));
	mmap(s->map, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     s->fd, 0);
	expect_as_before(_metadata, ctx);
}

static void join(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(2, count_mappings(s->map, SIZE));
	EXPECT_EQ(s->map, mmap(s->map, SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, s->fd, 0));
	expect_as_before(_metadata, ctx);
}

TEST_F(mapped, split)
{
	struct operation op = {
		.name = "split by munmap", .run = split, .undo = join,
		.as_before = expect_all_of_it,
	};

	EXPECT_LE(1, inject(_metadata, &op, &self->s).failures);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
