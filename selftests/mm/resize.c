// SPDX-License-Identifier: GPL-2.0
/* Resize of a live region, and discard of a range; alone and under load. */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/io_uring.h>

#include "test.h"

#define SIZE (4UL << 20)
#define HALF (SIZE / 2)

FIXTURE(resize) {
	struct region r;
	u8 *map;
	int fd;
};

FIXTURE_VARIANT(resize) {
	const char *attrs;
	size_t granule;
};

FIXTURE_VARIANT_ADD(resize, page) { "granule=PAGE", 0 };
FIXTURE_VARIANT_ADD(resize, granule) { "granule=64K", 65536 };
FIXTURE_VARIANT_ADD(resize, huge) { "granule=2M", 2097152 };

/* Without huge pages, the granule is always a page. */
static bool is_large(size_t granule)
{
	return granule > PAGE && !no_huge_pages();
}

FIXTURE_SETUP(resize)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &self->map));
	fill(self->map, 0, SIZE, 1);
}

FIXTURE_TEARDOWN(resize)
{
	munmap(self->map, SIZE);
	close(self->fd);
	region_destroy(&self->r);
}

static u64 info_length(int fd)
{
	struct mapdev_info info = { .size = sizeof(info) };

	return ioctl(fd, MAPDEV_IOC_INFO, &info) ? 0 : info.length;
}

/* Each page is as fill() made it, or zero if @zero. */
static size_t wrong(const u8 *map, size_t from, size_t to, bool zero)
{
	for (; from < to; from += PAGE)
		if (zero ? !all_zero(map + from, PAGE) :
			   differs(map + from, from, PAGE, 1) != PAGE)
			break;
	return from;
}

/* --- Alone --- */

/* Data past the new end is gone; data below it is kept. */
/* ids: LK-30 LK-91 */
TEST_F(resize, smaller)
{
	const size_t sizes[] = { HALF, HALF - PAGE, PAGE };
	u8 buf[PAGE];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		ASSERT_EQ(0, region_resize(self->fd, size));
		EXPECT_EQ(size, wrong(self->map, 0, size, false));
		EXPECT_EQ(SIGBUS, touch_read(self->map + size));
		EXPECT_EQ(SIGBUS, touch_write(self->map + SIZE - 1));
		EXPECT_EQ(0, touch_read(self->map + size - 1));
		EXPECT_EQ(size, lseek(self->fd, 0, SEEK_END));
		EXPECT_EQ(size, info_length(self->fd));
		EXPECT_EQ(0, pread(self->fd, buf, PAGE, size));
		EXPECT_EQ(1, pread(self->fd, buf, PAGE, size - 1));
		EXPECT_EQ(-1, pwrite(self->fd, buf, PAGE, size));
		EXPECT_EQ(ENOSPC, errno);
		EXPECT_EQ(EINVAL, try_mmap(self->fd, size + PAGE, PROT_READ,
					   MAP_SHARED, 0, NULL));
		EXPECT_EQ(0, try_mmap(self->fd, size, PROT_READ, MAP_SHARED, 0,
				      NULL));
	}
}

/* After growing again, the range is zero, through old mappings, too. */
TEST_F(resize, larger)
{
	const size_t sizes[] = { HALF, HALF - PAGE, PAGE };
	u8 *map = NULL;
	long faults;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		ASSERT_EQ(0, region_resize(self->fd, size));
		ASSERT_EQ(0, region_resize(self->fd, SIZE));
		EXPECT_EQ(size, wrong(self->map, 0, size, false));
		EXPECT_EQ(SIZE, wrong(self->map, size, SIZE, true));
		fill(self->map, 0, SIZE, 1);
	}
	ASSERT_EQ(0, region_resize(self->fd, 2 * SIZE));
	EXPECT_EQ(2 * SIZE, info_length(self->fd));
	ASSERT_EQ(0, try_mmap(self->fd, 2 * SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &map));
	EXPECT_EQ(SIZE, wrong(map, 0, SIZE, false));
	faults = region_stat(&self->r, "fault");
	EXPECT_EQ(2 * SIZE, wrong(map, SIZE, 2 * SIZE, true));
	/* mm core maps no folio as a whole that goes past the end it knows of. */
	if (is_large(variant->granule))
		EXPECT_GT(faults + (long)(SIZE / PAGE / 2),
			  region_stat(&self->r, "fault"));
	munmap(map, 2 * SIZE);
}

/* The same by a file: in sysfs for each region, in configfs for those of it. */
TEST_F(resize, by_file)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), CLASS "/%s/size", self->r.name);
	EXPECT_EQ(0, write_file(path, "2M\n"));
	EXPECT_EQ(HALF, info_length(self->fd));
	EXPECT_STREQ("2097152", read_line(path, line, sizeof(line)));
	EXPECT_EQ(-EINVAL, write_file(path, "2M 3M"));
	EXPECT_EQ(-EINVAL, write_file(path, "0"));
	EXPECT_EQ(-EINVAL, write_file(path, "65537"));
	EXPECT_EQ(0, region_set(&self->r, "size", "1M\n"));
	EXPECT_STREQ("1048576", read_line(path, line, sizeof(line)));
	EXPECT_EQ(0, region_resize(self->fd, 3 * PAGE));
	snprintf(path, sizeof(path), CONFIGFS "/%s/size", self->r.name);
	EXPECT_EQ(3 * PAGE, strtoul(read_line(path, line, sizeof(line)), NULL, 10));
}

/* A range reads as zero, what is beside it stays, and its memory is free. */
TEST_F(resize, discard)
{
	const size_t ranges[][2] = {
		{ 0, PAGE }, { 3 * PAGE, PAGE }, { 15 * PAGE, 2 * PAGE },
		{ HALF - PAGE, 2 * PAGE }, { HALF, HALF }, { 0, SIZE },
	};
	unsigned char in_core[SIZE / PAGE];
	u8 buf[PAGE];

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		size_t from = ranges[i][0], to = from + ranges[i][1];
		size_t at;

		ASSERT_EQ(0, region_discard(self->fd, from, to - from));
		ASSERT_EQ(0, mincore(self->map, SIZE, in_core));
		for (at = from; at < to; at += PAGE)
			if (in_core[at / PAGE])
				break;
		EXPECT_EQ(to, at);
		EXPECT_EQ(PAGE, pread(self->fd, buf, PAGE, from));
		EXPECT_TRUE(all_zero(buf, PAGE));
		EXPECT_EQ(from, wrong(self->map, 0, from, false));
		EXPECT_EQ(to, wrong(self->map, from, to, true));
		EXPECT_EQ(SIZE, wrong(self->map, to, SIZE, false));
		fill(self->map, 0, SIZE, 1);
	}
}

/* A private copy is the program's own; what it only read is the region's. */
TEST_F(resize, private_copies)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       self->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	store_byte(map, 99);
	store_byte(map + SIZE - PAGE, 98);
	load_byte(map + PAGE);
	load_byte(map + SIZE - 1 - PAGE);
	ASSERT_EQ(0, region_discard(self->fd, 0, 2 * PAGE));
	EXPECT_EQ(99, load_byte(map));
	EXPECT_EQ(pattern(1, 1), load_byte(map + 1));
	EXPECT_EQ(0, load_byte(map + PAGE));
	ASSERT_EQ(0, region_resize(self->fd, HALF));
	EXPECT_EQ(0, touch_read(map + SIZE - PAGE));
	EXPECT_EQ(98, load_byte(map + SIZE - PAGE));
	EXPECT_EQ(SIGBUS, touch_read(map + SIZE - 1 - PAGE));
	munmap(map, SIZE);
}

/* Hold one page by a pipe, as O_DIRECT or a device would. */
static int pin(int fds[2], u8 *page)
{
	struct iovec iov = { page, PAGE };

	return pipe(fds) || vmsplice(fds[1], &iov, 1, 0) != PAGE;
}

static int unpin(int fds[2], u8 *buf)
{
	int short_read = read(fds[0], buf, PAGE) != PAGE;

	close(fds[0]);
	close(fds[1]);
	return short_read;
}

/* A pinned page stays with its pin, and no longer belongs to the region. */
/* ids: LK-92 */
TEST_F(resize, pinned)
{
	u8 *page = self->map + HALF + PAGE, buf[PAGE];
	int fds[2];

	ASSERT_EQ(0, pin(fds, page));
	ASSERT_EQ(0, region_discard(self->fd, HALF, HALF));
	EXPECT_EQ(SIZE, wrong(self->map, HALF, SIZE, true));
	store_byte(page, 77);
	ASSERT_EQ(0, unpin(fds, buf));
	EXPECT_EQ(PAGE, differs(buf, HALF + PAGE, PAGE, 1));

	fill(self->map, 0, SIZE, 1);
	ASSERT_EQ(0, pin(fds, page));
	ASSERT_EQ(0, region_resize(self->fd, HALF));
	ASSERT_EQ(0, region_resize(self->fd, SIZE));
	EXPECT_EQ(SIZE, wrong(self->map, HALF, SIZE, true));
	store_byte(page, 77);
	ASSERT_EQ(0, unpin(fds, buf));
	EXPECT_EQ(PAGE, differs(buf, HALF + PAGE, PAGE, 1));
}

/* Hold one page as a fixed buffer, which pins it. */
static int fix(int fds[2], u8 *page)
{
	struct io_uring_params params = {};
	struct iovec iov = { page, PAGE };

	fds[0] = syscall(__NR_io_uring_setup, 1, &params);
	return fds[0] < 0 || syscall(__NR_io_uring_register, fds[0],
				     IORING_REGISTER_BUFFERS, &iov, 1);
}

static int unfix(int fds[2], u8 *buf)
{
	int err = syscall(__NR_io_uring_register, fds[0],
			  IORING_UNREGISTER_BUFFERS, NULL, 0);

	close(fds[0]);
	return err;
}

/* The region is unchanged, through every view. */
static void expect_all(struct __test_metadata *_metadata,
		       const struct region *r, int fd, const u8 *old)
{
	char path[128], line[32];
	u8 *buf = malloc(SIZE), *map = NULL;

	EXPECT_EQ(SIZE, info_length(fd));
	EXPECT_EQ(SIZE, lseek(fd, 0, SEEK_END));
	snprintf(path, sizeof(path), CLASS "/%s/size", r->name);
	EXPECT_EQ(SIZE, strtoul(read_line(path, line, sizeof(line)), NULL, 10));
	EXPECT_EQ(SIZE, differs(old, 0, SIZE, 1));
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	EXPECT_EQ(SIZE, differs(map, 0, SIZE, 1));
	munmap(map, SIZE);
	EXPECT_EQ(SIZE, pread(fd, buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(buf, 0, SIZE, 1));
	free(buf);
}

/*
 * A granule that is pinned cannot be split: no end comes to lie within it, and
 * whoever asks for one changes nothing, on either side of it.
 */
TEST_F(resize, pinned_end)
{
	static const struct {
		int (*hold)(int fds[2], u8 *page);
		int (*let_go)(int fds[2], u8 *buf);
	} holders[] = { { pin, unpin }, { fix, unfix } };
	size_t size = SIZE - 2 * PAGE;
	char path[128], text[32];
	u8 buf[PAGE];
	int fds[2];

	snprintf(path, sizeof(path), CLASS "/%s/size", self->r.name);
	snprintf(text, sizeof(text), "%zu", size);
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		ASSERT_EQ(0, holders[i].hold(fds, self->map + SIZE - PAGE));
		if (is_large(variant->granule)) {
			long resizes = region_stat(&self->r, "resize");

			EXPECT_EQ(EBUSY, region_resize(self->fd, size));
			expect_all(_metadata, &self->r, self->fd, self->map);
			EXPECT_EQ(-EBUSY, write_file(path, text));
			EXPECT_EQ(-EBUSY, region_set(&self->r, "size", text));
			expect_all(_metadata, &self->r, self->fd, self->map);
			EXPECT_EQ(resizes, region_stat(&self->r, "resize"));
			/* An end on a granule's boundary works. */
			EXPECT_EQ(0, region_resize(self->fd, HALF));
			EXPECT_EQ(SIGBUS, touch_read(self->map + SIZE - PAGE));
			EXPECT_EQ(0, region_resize(self->fd, SIZE));
			EXPECT_EQ(SIZE, wrong(self->map, HALF, SIZE, true));
			fill(self->map + HALF, HALF, HALF, 1);
		}
		ASSERT_EQ(0, holders[i].let_go(fds, buf));
		EXPECT_EQ(0, region_resize(self->fd, size));
		EXPECT_EQ(size, wrong(self->map, 0, size, false));
		EXPECT_EQ(SIGBUS, touch_read(self->map + size));
		EXPECT_EQ(0, region_resize(self->fd, SIZE));
		EXPECT_EQ(SIZE, wrong(self->map, size, SIZE, true));
		/* In granules, not in what they were split to. */
		EXPECT_EQ(0, region_discard(self->fd, 0, SIZE));
		fill(self->map, 0, SIZE, 1);
	}
}

/* What is discarded of a granule that is pinned is zeroed, and stays shared. */
TEST_F(resize, pinned_part)
{
	size_t at = SIZE - 3 * PAGE;
	u8 buf[PAGE];
	int fds[2];

	ASSERT_EQ(0, pin(fds, self->map + at));
	ASSERT_EQ(0, region_discard(self->fd, at, PAGE));
	EXPECT_EQ(at, wrong(self->map, 0, at, false));
	EXPECT_EQ(at + PAGE, wrong(self->map, at, at + PAGE, true));
	EXPECT_EQ(SIZE, wrong(self->map, at + PAGE, SIZE, false));
	store_byte(self->map + at, 77);
	ASSERT_EQ(0, unpin(fds, buf));
	if (is_large(variant->granule)) {
		EXPECT_EQ(77, buf[0]);
		EXPECT_TRUE(all_zero(buf + 1, PAGE - 1));
	} else {
		/* A page alone went as a whole. */
		EXPECT_EQ(PAGE, differs(buf, at, PAGE, 1));
	}
}

/* Any reader can have a granule split, whatever became of a resize before that. */
TEST_F(resize, split_by_reader)
{
	size_t size = SIZE - 2 * PAGE;
	bool large = is_large(variant->granule);
	int fds[2], status;
	u8 buf[PAGE], *map;
	pid_t pid;

	ASSERT_EQ(0, chmod(self->r.node, 0444));
	ASSERT_EQ(0, pin(fds, self->map + SIZE - PAGE));
	EXPECT_EQ(large ? EBUSY : 0, region_resize(self->fd, size));
	ASSERT_EQ(0, unpin(fds, buf));
	ASSERT_EQ(0, munmap(self->map, SIZE));
	pid = fork();
	if (!pid) {
		int fd;

		if (drop_root())
			_exit(1);
		fd = open(self->r.node, O_RDONLY);
		if (try_mmap(fd, size, PROT_READ, MAP_SHARED, 0, &map))
			_exit(2);
		load_byte(map + size - PAGE);
		if (madvise(map + size - PAGE, PAGE, MADV_COLD))
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, region_resize(self->fd, SIZE));
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &self->map));
	EXPECT_EQ(size, wrong(self->map, 0, size, false));
	EXPECT_EQ(SIZE, wrong(self->map, size, SIZE, !large));
}

TEST_F(resize, ioctl_errors)
{
	int fd = open(self->r.node, O_RDONLY);
	char path[128], max[32];
	u64 limit;

	EXPECT_EQ(EINVAL, region_resize(self->fd, 0));
	EXPECT_EQ(EINVAL, region_resize(self->fd, PAGE + 1));
	EXPECT_EQ(EINVAL, region_resize(self->fd, 1ULL << 63));
	EXPECT_EQ(EBADF, region_resize(fd, SIZE));
	EXPECT_EQ(EINVAL, region_discard(self->fd, 0, 0));
	EXPECT_EQ(EINVAL, region_discard(self->fd, 1, PAGE));
	EXPECT_EQ(EINVAL, region_discard(self->fd, 0, PAGE + 1));
	EXPECT_EQ(EINVAL, region_discard(self->fd, 0, SIZE + PAGE));
	EXPECT_EQ(EINVAL, region_discard(self->fd, SIZE, PAGE));
	EXPECT_EQ(EINVAL, region_discard(self->fd, -PAGE, 2 * PAGE));
	EXPECT_EQ(EINVAL, region_discard(self->fd, PAGE, -PAGE));
	EXPECT_EQ(EBADF, region_discard(fd, 0, PAGE));
	EXPECT_EQ(-1, ioctl(fd, MAPDEV_IOC_REVOKE, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(fd, MAPDEV_IOC_RESTORE, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_REVOKE, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_RESTORE, 1));
	EXPECT_EQ(EINVAL, errno);
	close(fd);

	/* max_bytes is for all regions together, and to the byte. */
	read_line("/sys/module/mapdev/parameters/max_bytes", max, sizeof(max));
	limit = strtoull(max, NULL, 10) & -PAGE;
	EXPECT_EQ(ENOSPC, region_resize(self->fd, limit + PAGE));
	EXPECT_EQ(SIZE, info_length(self->fd));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, region_resize(self->fd, limit));
		EXPECT_EQ(0, region_resize(self->fd, SIZE));
	}
	EXPECT_EQ(SIZE, wrong(self->map, 0, SIZE, false));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(ENODEV, region_resize(self->fd, HALF));
	EXPECT_EQ(ENODEV, region_discard(self->fd, 0, PAGE));
	snprintf(path, sizeof(path), CLASS "/%s/size", self->r.name);
	EXPECT_EQ(-ENODEV, write_file(path, "2M"));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(SIZE, wrong(self->map, 0, SIZE, false));
	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(ENODEV, region_resize(self->fd, HALF));
	EXPECT_EQ(ENODEV, region_discard(self->fd, 0, PAGE));
}

/* Without CAP_SYS_ADMIN, a task with a writable file may discard, and no more. */
TEST_F(resize, capabilities)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (drop_root())
			_exit(1);
		if (region_resize(self->fd, HALF) != EPERM)
			_exit(2);
		if (!ioctl(self->fd, MAPDEV_IOC_REVOKE, 0) || errno != EPERM)
			_exit(3);
		if (!ioctl(self->fd, MAPDEV_IOC_RESTORE, 0) || errno != EPERM)
			_exit(4);
		if (region_discard(self->fd, 0, PAGE))
			_exit(5);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The ioctls and the file in sysfs share one state. */
TEST_F(resize, revoke_by_ioctl)
{
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_REVOKE, 0));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_REVOKE, 0));
	EXPECT_EQ(EALREADY, errno);
	EXPECT_EQ(-EALREADY, region_revoke(&self->r, 1));
	EXPECT_EQ(SIZE, info_length(self->fd));
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_RESTORE, 0));
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_RESTORE, 0));
	EXPECT_EQ(EALREADY, errno);
	EXPECT_EQ(SIZE, wrong(self->map, 0, SIZE, false));
	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_RESTORE, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_REVOKE, 0));
	EXPECT_EQ(ENODEV, errno);
}

/* Read-only for programs: nothing that changes what is in it. */
TEST(read_only)
{
	struct region r;
	int fd;

	ASSERT_EQ(0, region_create(&r, "size=1M ro=1"));
	fd = open(r.node, O_RDWR);
	EXPECT_EQ(EACCES, region_discard(fd, 0, PAGE));
	EXPECT_EQ(0, region_resize(fd, PAGE));
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

/* Backings other than paged refuse resize and discard. */
TEST(other_backings)
{
	const char * const attrs[] = {
		"size=1M backing=pages", "size=1M backing=vmalloc",
		"size=1M backing=contig", "size=1M backing=contig pin=1",
	};
	char path[128];
	struct region r;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		ASSERT_EQ(0, region_create(&r, attrs[i]));
		fd = open(r.node, O_RDWR);
		EXPECT_EQ(EOPNOTSUPP, region_resize(fd, PAGE));
		EXPECT_EQ(EOPNOTSUPP, region_discard(fd, 0, PAGE));
		snprintf(path, sizeof(path), CLASS "/%s/size", r.name);
		EXPECT_EQ(-EOPNOTSUPP, write_file(path, "4K"));
		EXPECT_EQ(-EBUSY, region_set(&r, "size", "4K"));
		close(fd);
		EXPECT_EQ(0, region_destroy(&r));
	}
}

/* --- Under load --- */

/*
 * Each worker writes a stamp all over the region, in its own way, and counts
 * its tries. What was written with a stamp before a range was dropped must not
 * be seen in it after.
 */
enum work { STORE, LOAD, WRITE, READ, FORK, REMAP, WORKERS };

struct shared {
	u8 stamp;
	unsigned int tries[WORKERS];
};

static u8 get_stamp(struct shared *s)
{
	return __atomic_load_n(&s->stamp, __ATOMIC_SEQ_CST);
}

/* A few pages from a random one on. */
static void stamp_some(struct shared *s, u8 *map, unsigned int random,
		       bool store)
{
	size_t first = random % (SIZE / PAGE - 8) * PAGE;

	if (sigsetjmp(work_jump, 0))
		return;
	for (size_t at = first; at < first + 8 * PAGE; at += PAGE) {
		if (store)
			store_byte(map + at, get_stamp(s));
		else
			load_byte(map + at);
	}
}

static void work_fork(struct shared *s, u8 *map, unsigned int random)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stamp_some(s, map, random, true);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void work(struct shared *s, enum work kind, const struct region *r)
{
	int fd = open(r->node, O_RDWR);
	unsigned int random = kind;
	u8 *map = NULL, buf[2 * PAGE];

	if (try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &map))
		_exit(1);
	/* SIGSEGV follows an mmap() that failed because the region is smaller. */
	catch_faults();
	for (;;) {
		random = random * 1103515245 + 12345;
		switch (kind) {
		case STORE:
		case LOAD:
			stamp_some(s, map, random >> 8, kind == STORE);
			break;
		case WRITE:
			memset(buf, get_stamp(s), sizeof(buf));
			pwrite(fd, buf, sizeof(buf), (random >> 8) % SIZE);
			break;
		case READ:
			pread(fd, buf, sizeof(buf), (random >> 8) % SIZE);
			break;
		case FORK:
			work_fork(s, map, random >> 8);
			break;
		default:
			/* New page tables, and then huge pages again. */
			mmap(map, SIZE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, fd, 0);
			stamp_some(s, map, random >> 8, true);
		}
		__atomic_add_fetch(&s->tries[kind], 1, __ATOMIC_SEQ_CST);
	}
}

/* Until each worker has begun, and ended, one more try. */
static void wait_workers(struct shared *s)
{
	unsigned int first[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		first[i] = __atomic_load_n(&s->tries[i], __ATOMIC_SEQ_CST);
	for (int i = 0; i < WORKERS; i++)
		while (__atomic_load_n(&s->tries[i], __ATOMIC_SEQ_CST) -
		       first[i] < 2)
			sched_yield();
}

/* The first byte that was written with a stamp up to @last, or @to. */
static size_t find_old(const u8 *map, size_t from, size_t to, u8 last)
{
	for (; from < to; from++)
		if (map[from] && map[from] <= last)
			break;
	return from;
}

/* ids: PA-39 ME-3 */
TEST_F_TIMEOUT(resize, no_old_data, 120)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const int rounds = at_length() ? 16 : 4;
	unsigned int random = 1;
	pid_t pids[WORKERS];
	int status;

	s->stamp = 1;
	memset(self->map, 0, SIZE);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(s, i, &self->r);
		}
	}
	for (int round = 1; round <= rounds; round++) {
		size_t at, to = SIZE;

		random = random * 1103515245 + 12345;
		at = (1 + (random >> 8) % (SIZE / PAGE - 1)) * PAGE;
		/* Wait until all workers have written, and let them continue. */
		wait_workers(s);
		if (round & 1) {
			ASSERT_EQ(0, region_resize(self->fd, at));
			EXPECT_EQ(SIGBUS, touch_read(self->map + at));
			__atomic_store_n(&s->stamp, round + 1, __ATOMIC_SEQ_CST);
			wait_workers(s);
			EXPECT_EQ(SIGBUS, touch_read(self->map + at));
			ASSERT_EQ(0, region_resize(self->fd, SIZE));
		} else {
			to = at + PAGE + (random >> 20) % (SIZE - at);
			to = to / PAGE * PAGE;
			__atomic_store_n(&s->stamp, round + 1, __ATOMIC_SEQ_CST);
			wait_workers(s);
			ASSERT_EQ(0, region_discard(self->fd, at, to - at));
		}
		EXPECT_EQ(to, find_old(self->map, at, to, round));
	}
	for (int i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	munmap(s, sizeof(*s));
}

/* Everything at once: nothing breaks, and the accounts are right at the end. */
static void change(const struct region *r, unsigned int random)
{
	int fd = open(r->node, O_RDWR);

	for (int i = 0; i < (at_length() ? 40 : 10); i++) {
		size_t at, length;

		random = random * 1103515245 + 12345;
		at = (random >> 8) % (SIZE / PAGE) * PAGE;
		length = (1 + (random >> 18) % 600) * PAGE;
		switch (random >> 30) {
		case 0:
			region_resize(fd, at + PAGE);
			break;
		case 1:
			region_resize(fd, SIZE);
			break;
		case 2:
			region_discard(fd, at, length);
			break;
		default:
			if (ioctl(fd, MAPDEV_IOC_REVOKE, 0) == 0)
				ioctl(fd, MAPDEV_IOC_RESTORE, 0);
		}
	}
	_exit(0);
}

/* ids: LK-30 LK-91 */
TEST_F_TIMEOUT(resize, storm, 120)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char max[32], attrs[64];
	pid_t pids[WORKERS], changers[2];
	struct region all;
	int status;

	s->stamp = 1;
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(s, i, &self->r);
		}
	}
	wait_workers(s);
	for (int i = 0; i < 2; i++) {
		changers[i] = fork();
		if (!changers[i])
			change(&self->r, i + 1);
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(changers[i], waitpid(changers[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	ioctl(self->fd, MAPDEV_IOC_RESTORE, 0);
	ASSERT_EQ(0, region_resize(self->fd, PAGE));
	EXPECT_EQ(SIGBUS, touch_read(self->map + PAGE));
	EXPECT_EQ(0, touch_read(self->map));
	for (int i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	munmap(s, sizeof(*s));

	/* Not a byte of max_bytes is missing, when the last file is closed. */
	ASSERT_EQ(0, region_destroy(&self->r));
	read_line("/sys/module/mapdev/parameters/max_bytes", max, sizeof(max));
	snprintf(attrs, sizeof(attrs), "size=%llu",
		 strtoull(max, NULL, 10) & -PAGE);
	EXPECT_EQ(-ENOSPC, region_create(&all, attrs));
	EXPECT_EQ(0, munmap(self->map, SIZE));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, region_create(&all, attrs));
	EXPECT_EQ(0, region_destroy(&all));
}

TEST_HARNESS_MAIN
