// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations fail in what all regions of a class share, and in the dirty log: open,
 * fork, populate, epoll, collect.
 */
#include <sys/epoll.h>
#include <sys/rseq.h>

#include "expect.h"

/* --- open, fork, populate: one region of each class --- */

FIXTURE(each_class) {
	struct subject s;
};

FIXTURE_VARIANT(each_class) {
	const char *attrs;
	enum mapdev_backing_type type;
};

FIXTURE_VARIANT_ADD(each_class, paged) {
	.attrs = "backing=paged", .type = MAPDEV_PAGED,
};

FIXTURE_VARIANT_ADD(each_class, pages) {
	.attrs = "backing=pages", .type = MAPDEV_PAGES,
};

FIXTURE_VARIANT_ADD(each_class, contig) {
	.attrs = "backing=contig", .type = MAPDEV_CONTIG,
};

FIXTURE_SETUP(each_class)
{
	ASSERT_EQ(0, subject_open(&self->s, variant->attrs, variant->type));
}

FIXTURE_TEARDOWN(each_class)
{
	subject_close(_metadata, &self->s);
}

static int fork_now(void *ctx)
{
	struct subject *s = ctx;

	s->child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!s->child)
		syscall(SYS_exit_group, subject_unlike(s->map) != SIZE);
	return s->child < 0 ? errno : 0;
}

static void wait_for_child(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;
	int status;

	EXPECT_EQ(s->child, waitpid(s->child, &status, 0));
	EXPECT_EQ(0, status);
	expect_as_before(_metadata, ctx);
}

/*
 * The first store after a fork copies the stack. For a program that is a fault, which
 * is retried; for the kernel, on its way to the area of rseq(2), it is an error that
 * raises SIGSEGV.
 */
static int leave_rseq(void)
{
	return syscall(SYS_rseq, (u8 *)__builtin_thread_pointer() +
		       __rseq_offset, 32, 1, RSEQ_SIG);
}

TEST_F_TIMEOUT(each_class, fork, 300)
{
	struct operation op = {
		.name = "fork", .run = fork_now, .undo = wait_for_child,
		.as_before = expect_as_before,
	};

	ASSERT_EQ(0, leave_rseq());
	EXPECT_LE(10, inject(_metadata, &op, &self->s).failures);
}

static int open_file(void *ctx)
{
	struct subject *s = ctx;

	s->epoll = open(s->r.node, O_RDWR);
	return s->epoll < 0 ? errno : 0;
}

static void close_file(struct __test_metadata *_metadata, void *ctx)
{
	close(((struct subject *)ctx)->epoll);
}

TEST_F(each_class, open)
{
	struct operation op = {
		.name = "open", .run = open_file, .undo = close_file,
		.as_before = expect_as_before,
	};

	EXPECT_LE(1, inject(_metadata, &op, &self->s).failures);
}

static int watch(void *ctx)
{
	struct subject *s = ctx;
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &event) ? errno : 0;
}

static void unwatch(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(0, epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->fd, NULL));
}

TEST_F(each_class, epoll)
{
	struct operation op = {
		.name = "epoll_ctl", .run = watch, .undo = unwatch,
		.as_before = expect_as_before,
	};

	self->s.epoll = epoll_create1(0);
	EXPECT_LE(1, inject(_metadata, &op, &self->s).failures);
	close(self->s.epoll);
}

static int populate(void *ctx)
{
	struct subject *s = ctx;

	return madvise(s->other, SIZE, MADV_POPULATE_WRITE) ? errno : 0;
}

static void expect_other_gone(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	munmap(s->other, SIZE);
	expect_as_before(_metadata, ctx);
}

/* A fault within a system call, which returns an errno. */
TEST_F(each_class, populate)
{
	struct operation op = {
		.name = "populate", .prepare = prepare_other, .run = populate,
		.undo = unmap_other, .as_before = expect_other_gone,
	};
	struct injected sum;

	if (self->s.frames) {
		/* mm core does not populate page frames. */
		prepare_other(&self->s);
		EXPECT_EQ(EINVAL, populate(&self->s));
		expect_other_gone(_metadata, &self->s);
		return;
	}
	sum = inject(_metadata, &op, &self->s);
	EXPECT_LE(1, sum.failures);
}

/* --- the dirty log --- */

FIXTURE(log) {
	struct subject s;
};

FIXTURE_VARIANT(log) {
	const char *attrs;
	enum mapdev_backing_type type;
};

FIXTURE_VARIANT_ADD(log, paged) {
	.attrs = "backing=paged granule=4K dirty=1", .type = MAPDEV_PAGED,
};

FIXTURE_VARIANT_ADD(log, pages) {
	.attrs = "backing=pages dirty=1", .type = MAPDEV_PAGES,
};

FIXTURE_SETUP(log)
{
	ASSERT_EQ(0, subject_open(&self->s, variant->attrs, variant->type));
}

FIXTURE_TEARDOWN(log)
{
	subject_close(_metadata, &self->s);
}

static int collect(void *ctx)
{
	struct subject *s = ctx;
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.length = SIZE,
		.runs = (uintptr_t)s->runs,
		.capacity = ARRAY_SIZE(s->runs),
	};

	s->count = 0;
	if (ioctl(s->fd, MAPDEV_IOC_DIRTY, &dirty))
		return errno;
	s->count = dirty.count;
	return 0;
}

static void mark(void *ctx)
{
	struct subject *s = ctx;

	store_byte(s->map + page + 100, 1);
	store_byte(s->map + SIZE - page + 100, 1);
}

/* A failed attempt has cleared no mark. */
static void expect_marks(struct __test_metadata *_metadata, void *ctx)
{
	struct subject *s = ctx;

	EXPECT_EQ(2, s->count);
	EXPECT_EQ(page, s->runs[0].offset);
	EXPECT_EQ(SIZE - page, s->runs[1].offset);
	mark(ctx);
}

TEST_F(log, collect)
{
	struct operation op = {
		.name = "ioctl dirty", .run = collect, .undo = expect_marks,
	};

	ASSERT_EQ(0, collect(&self->s));
	mark(&self->s);
	EXPECT_LE(1, inject(_metadata, &op, &self->s).failures);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
