// SPDX-License-Identifier: GPL-2.0
/* System calls on the node, except mmap. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "test.h"
#include "tracking.h"

#define SIZE 1048576

static bool has_phys(enum mapdev_backing_type type)
{
	return type == MAPDEV_CONTIG || type == MAPDEV_WINDOW;
}

FIXTURE(node) {
	struct region r;
	u8 *buf;
	int fd;
};

FIXTURE_EACH_BACKING(node)

FIXTURE_SETUP(node)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(SIZE + 1);
}

FIXTURE_TEARDOWN(node)
{
	close(self->fd);
	free(self->buf);
	EXPECT_EQ(0, region_destroy(&self->r));
}

/* ids: LK-11 */
TEST_F(node, seek)
{
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(SIZE - 1, lseek(self->fd, -1, SEEK_CUR));
	EXPECT_EQ(5, lseek(self->fd, 5, SEEK_SET));
	EXPECT_EQ(-1, lseek(self->fd, SIZE + 1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, -1, SEEK_SET));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_DATA));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(5, lseek(self->fd, 0, SEEK_CUR));
}

TEST_F(node, memory_is_zeroed)
{
	u8 *hole = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	char attrs[96];

	/* Create it again, possibly from the same memory. */
	snprintf(attrs, sizeof(attrs), "size=1M %s", variant->attrs);
	memset(self->buf, 0xa5, SIZE);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	close(self->fd);
	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);

	memset(self->buf, 0xff, SIZE);
	ASSERT_EQ(SIZE, read(self->fd, self->buf, SIZE));
	EXPECT_TRUE(all_zero(self->buf, SIZE));

	/*
	 * Neither a write of one byte nor one that fails exposes old data in the
	 * granule.
	 */
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, SIZE / 2 + 77));
	EXPECT_EQ(-1, pwrite(self->fd, hole, SIZE, SIZE / 4));
	EXPECT_EQ(EFAULT, errno);
	memset(self->buf, 0xff, SIZE);
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ('x', self->buf[SIZE / 2 + 77]);
	self->buf[SIZE / 2 + 77] = 0;
	EXPECT_TRUE(all_zero(self->buf, SIZE));
	munmap(hole, SIZE);
}

TEST_F(node, transfers_whole_count)
{
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, write(self->fd, self->buf, SIZE));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_EQ(SIZE, read(self->fd, self->buf, SIZE));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
}

TEST_F(node, transfer_stops_at_end)
{
	/* A transfer across the end is short; at the end it is 0 or ENOSPC. */
	ASSERT_EQ(100, pwrite(self->fd, self->buf, 200, SIZE - 100));
	ASSERT_EQ(100, pread(self->fd, self->buf, 200, SIZE - 100));
	ASSERT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, read(self->fd, self->buf, 1));
	EXPECT_EQ(-1, write(self->fd, "x", 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, pread(self->fd, self->buf, 1, 1ULL << 60));
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, 1, 1ULL << 60));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, write(self->fd, "x", 0));
	EXPECT_EQ(-1, pwrite(self->fd, self->buf, 1, -1));
	EXPECT_EQ(EINVAL, errno);
}

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

/* Appending begins at the end, wherever the position is, and there is no room. */
TEST_F(node, append)
{
	int fd = open(self->r.node, O_RDWR | O_APPEND);
	struct iovec iov = { "x", 1 };

	ASSERT_LE(0, fd);
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));

	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(-1, pwrite(fd, "x", 1, 5));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, write(fd, "x", 0));
	EXPECT_EQ(-1, pwritev2(self->fd, &iov, 1, 5, RWF_APPEND));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-1, pwritev2(self->fd, &iov, 1, -1, RWF_APPEND));
	EXPECT_EQ(ENOSPC, errno);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_APPEND));
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(ENOSPC, errno);
	ASSERT_EQ(SIZE, pread(fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	/* The flag for one call, and for the file. */
	EXPECT_EQ(1, pwritev2(fd, &iov, 1, 5, RWF_NOAPPEND));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, 0));
	EXPECT_EQ(1, pwrite(self->fd, "x", 1, 7));
	ASSERT_EQ(SIZE, pread(fd, self->buf, SIZE, 0));
	EXPECT_EQ(5, differs(self->buf, 0, SIZE, 1));
	EXPECT_EQ(1, differs(self->buf + 6, 6, SIZE - 6, 1));
	EXPECT_EQ(SIZE - 8, differs(self->buf + 8, 8, SIZE - 8, 1));
	close(fd);
}

struct writer {
	int fd;
	const u8 *record;
	ssize_t moved;
	pid_t tid;
};

static void *write_record(void *arg)
{
	struct writer *writer = arg;

	__atomic_store_n(&writer->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	writer->moved = write(writer->fd, writer->record, PAGE);
	return NULL;
}

/*
 * Two write a record each at the position that they share. The first is held
 * up in the middle of it; the second waits, and comes behind it.
 */
TEST_F(node, shared_position)
{
	struct writer first = { .fd = self->fd }, second = { .fd = self->fd };
	pthread_t threads[2];
	struct slow slow;
	pid_t tid;

	ASSERT_EQ(0, slow_open(&slow));
	fill(self->buf, 0, 2 * PAGE, 6);
	first.record = slow.mem;
	second.record = self->buf + PAGE;
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, write_record, &first));
	slow_wait(&slow);
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, write_record, &second));
	while (!(tid = __atomic_load_n(&second.tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	/* It sleeps; or it has failed to wait, and has ended. */
	wait_asleep(tid);
	ASSERT_EQ(0, slow_go(&slow, self->buf));
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	EXPECT_EQ(PAGE, first.moved);
	EXPECT_EQ(PAGE, second.moved);
	EXPECT_EQ(2 * PAGE, lseek(self->fd, 0, SEEK_CUR));
	memset(self->buf, 0, 2 * PAGE);
	ASSERT_EQ(2 * PAGE, pread(self->fd, self->buf, 2 * PAGE, 0));
	EXPECT_EQ(2 * PAGE, differs(self->buf, 0, 2 * PAGE, 6));
	slow_close(&slow);
}

/* ids: LK-12 LK-13 */
TEST_F(node, vectors_and_odd_offsets)
{
	u8 a[5000], b[3], c[9000];
	struct iovec iov[] = {
		{ a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) },
	};
	size_t sum = sizeof(a) + sizeof(b) + sizeof(c), offset = 12345;

	fill(a, offset, sizeof(a), 2);
	fill(b, offset + sizeof(a), sizeof(b), 2);
	fill(c, offset + sizeof(a) + sizeof(b), sizeof(c), 2);
	ASSERT_EQ((ssize_t)sum, pwritev(self->fd, iov, 3, offset));
	ASSERT_EQ((ssize_t)sum, pread(self->fd, self->buf, sum, offset));
	EXPECT_EQ(sum, differs(self->buf, offset, sum, 2));

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	memset(c, 0, sizeof(c));
	ASSERT_EQ((ssize_t)sum, preadv(self->fd, iov, 3, offset));
	EXPECT_EQ(sizeof(a), differs(a, offset, sizeof(a), 2));
	EXPECT_EQ(sizeof(c), differs(c, offset + sizeof(a) + sizeof(b),
				     sizeof(c), 2));
}

TEST_F(node, bad_buffers)
{
	size_t page = sysconf(_SC_PAGESIZE);
	u8 *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + page, page);
	EXPECT_EQ(-1, pwrite(self->fd, p + page, 10, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, pread(self->fd, p + page, 10, 0));
	EXPECT_EQ(EFAULT, errno);
	/* The part before the hole is transferred, and counted. */
	EXPECT_EQ(100, pwrite(self->fd, p + page - 100, 200, 0));
	EXPECT_EQ(100, pread(self->fd, p + page - 100, 200, 0));
	munmap(p, page);
}

/* The buffer is a mapping of the region itself, touched or not. */
/* ids: LK-10 PA-34 */
TEST_F(node, buffer_is_own_mapping)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	fill(self->buf, 0, SIZE / 2, 3);
	ASSERT_EQ(SIZE / 2, pwrite(self->fd, self->buf, SIZE / 2, 0));
	ASSERT_EQ(SIZE / 2, pwrite(self->fd, map, SIZE / 2, SIZE / 2));
	EXPECT_EQ((size_t)SIZE / 2, differs(map + SIZE / 2, 0, SIZE / 2, 3));

	/* Once more with nothing of the mapping touched. */
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	ASSERT_EQ(SIZE, pread(self->fd, map, SIZE, 0));
	EXPECT_EQ((size_t)SIZE / 2, differs(map, 0, SIZE / 2, 3));
	munmap(map, SIZE);
}

TEST_F(node, access_modes)
{
	int rd = open(self->r.node, O_RDONLY);
	int wr = open(self->r.node, O_WRONLY);

	EXPECT_EQ(-1, write(rd, "x", 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, read(wr, self->buf, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, read(rd, self->buf, 1));
	EXPECT_EQ(1, write(wr, "x", 1));
	close(rd);
	close(wr);
}

TEST_F(node, no_direct_io)
{
	EXPECT_EQ(-1, open(self->r.node, O_RDWR | O_DIRECT));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(self->fd, F_SETFL, O_DIRECT));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(node, poll_is_ready)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN | POLLOUT | POLLPRI };

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, p.revents);
}

/* ids: LK-24 */
TEST_F(node, fsync_succeeds)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 1;
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(0, msync(map, SIZE, MS_SYNC));
	EXPECT_EQ(0, msync(map, SIZE, MS_ASYNC));
	munmap(map, SIZE);
}

TEST_F(node, is_a_char_device)
{
	char path[128], line[64];
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 0777);
	snprintf(path, sizeof(path), "/sys/dev/char/%d:%d/size",
		 (int)(st.st_rdev >> 8 & 0xfff),
		 (int)((st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00)));
	EXPECT_STREQ("1048576", read_line(path, line, sizeof(line)));
}

/* Neither write(2) nor a store dirties the node's inode on devtmpfs. */
TEST_F(node, keeps_mtime)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->fd, 0);
	struct timespec past[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, utimensat(AT_FDCWD, self->r.node, past, 0));
	map[0] = 1;
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	ASSERT_EQ(0, stat(self->r.node, &st));
	EXPECT_EQ(1000, st.st_mtime);
	munmap(map, SIZE);
}

/* ids: LK-29 */
TEST_F(node, splice_is_a_copy)
{
	int pipes[2], file;

	fill(self->buf, 0, 8192, 4);
	ASSERT_EQ(8192, pwrite(self->fd, self->buf, 8192, 0));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(8192, splice(self->fd, &(loff_t){ 0 }, pipes[1], NULL, 8192, 0));
	/* Data in the pipe is a copy: it does not change with the region. */
	memset(self->buf, 0, 8192);
	ASSERT_EQ(8192, pwrite(self->fd, self->buf, 8192, 0));
	ASSERT_EQ(8192, read(pipes[0], self->buf, 8192));
	EXPECT_EQ(8192, differs(self->buf, 0, 8192, 4));

	ASSERT_EQ(8192, write(pipes[1], self->buf, 8192));
	ASSERT_EQ(8192, splice(pipes[0], NULL, self->fd, &(loff_t){ 4096 },
			       8192, 0));
	file = memfd_create("copy", 0);
	ASSERT_EQ(8192, sendfile(file, self->fd, &(off_t){ 4096 }, 8192));
	ASSERT_EQ(8192, pread(file, self->buf, 8192, 0));
	EXPECT_EQ(8192, differs(self->buf, 0, 8192, 4));
	close(pipes[0]);
	close(pipes[1]);
	close(file);
}

TEST_F(node, ioctl_info)
{
	struct mapdev_info info = { .size = sizeof(info) };
	long page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(SIZE, info.length);
	EXPECT_EQ(variant->type, info.backing);
	EXPECT_EQ(MAPDEV_LIVE, info.state);
	EXPECT_EQ(variant->eager ? MAPDEV_EAGER : MAPDEV_DEMAND, info.map);
	EXPECT_EQ(strstr(variant->attrs, "cache=wc") ? MAPDEV_WC : MAPDEV_WB,
		  info.cache);
	EXPECT_EQ(strstr(variant->attrs, "pin=1") ? MAPDEV_ATTR_PIN : 0,
		  info.attributes);
	EXPECT_EQ(has_phys(variant->type), info.phys_addr != 0);
	EXPECT_EQ(0, info.dirty_unit);
	EXPECT_EQ(-1, info.numa_node);
	EXPECT_EQ(0, info.granule % page);
}

/* Only physically contiguous backings have an address, which root may read. */
TEST_F(node, phys_addr)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), CLASS "/%s/phys_addr", self->r.name);
	if (has_phys(variant->type)) {
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(0400, st.st_mode & 0777);
	} else {
		EXPECT_EQ(-1, stat(path, &st));
	}
}

TEST_F(node, ioctl_sizes)
{
	struct {
		struct mapdev_info info;
		u64 tail[2];
	} big = { .info.size = sizeof(big) };
	struct mapdev_info info;

	for (unsigned int size = 0; size < sizeof(info); size++) {
		info = (struct mapdev_info) { .size = size };
		EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
		EXPECT_EQ(EINVAL, errno);
	}

	EXPECT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &big));
	EXPECT_EQ(sizeof(big), big.info.size);
	EXPECT_EQ(SIZE, big.info.length);
	EXPECT_EQ(0, big.tail[1]);

	big.info = (struct mapdev_info) { .size = sizeof(big) };
	big.tail[1] = 1;
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, &big));
	EXPECT_EQ(E2BIG, errno);

	big.info = (struct mapdev_info) { .size = UINT32_MAX };
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, &big));
	EXPECT_EQ(E2BIG, errno);

	info = (struct mapdev_info) { .size = sizeof(info), .flags = 1 };
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
}

/* At the end of a page before a hole: nothing is read or written beyond. */
/* ids: LK-17 */
TEST_F(node, ioctl_page_end)
{
	size_t page = sysconf(_SC_PAGESIZE);
	u8 *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapdev_info *info = (void *)(p + page - sizeof(*info));

	munmap(p + page, page);
	info->size = sizeof(*info);
	EXPECT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, info));
	info->size = sizeof(*info) + 1;
	info->flags = 0;
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, info));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, p + page));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, MAPDEV_IOC_INFO, p + page - 2));
	EXPECT_EQ(EFAULT, errno);
	munmap(p, page);
}

TEST_F(node, ioctl_unknown)
{
	EXPECT_EQ(-1, ioctl(self->fd, _IO(MAPDEV_IOC_MAGIC, 0xff), NULL));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IO('T', 0), NULL));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IOWR(MAPDEV_IOC_MAGIC, 0, int), NULL));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(node, o_sync_changes_nothing)
{
	int fd = open(self->r.node, O_RDWR | O_SYNC);
	u8 *map;

	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	fill(map, 0, SIZE, 5);
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ((size_t)SIZE, differs(self->buf, 0, SIZE, 5));
	munmap(map, SIZE);
	close(fd);
}

TEST(ro_region)
{
	struct mapdev_info info = { .size = sizeof(info) };
	u8 *map = NULL;
	struct region r;
	int fd;

	ASSERT_EQ(0, region_create(&r, "size=1M ro=1"));
	fd = open(r.node, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EACCES, errno);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(-1, write(fd, "x", 1));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_ATTR_RO, info.attributes);

	EXPECT_EQ(EACCES, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				   0, NULL));
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	EXPECT_EQ(0, touch_read(map));
	EXPECT_EQ(-1, mprotect(map, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(map, SIZE);

	/* A private copy may be written. */
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0,
			      &map));
	EXPECT_EQ(0, touch_write(map));
	munmap(map, SIZE);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

TEST_HARNESS_MAIN
