// SPDX-License-Identifier: GPL-2.0
/*
 * What takes references to the pages behind a mapping: direct I/O, io_uring's
 * fixed buffers, vmsplice, process_vm_readv, long-term pins, futexes. All work
 * on memory with struct pages; page frames answer EFAULT.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/io_uring.h>

#include "futex.h"
#include "test.h"

#define SIZE 2097152
#define DISK "/dev/ram0"

FIXTURE(pins) {
	struct region r;
	size_t page;
	u8 *buf;
	u8 *map;
	int disk;
	int fd;
	bool frames;
};

FIXTURE_EACH_BACKING(pins)

FIXTURE_SETUP(pins)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &self->map));
	self->disk = open(DISK, O_RDWR | O_DIRECT);
	ASSERT_LE(0, self->disk);
	self->page = sysconf(_SC_PAGESIZE);
	self->buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->buf);
	self->frames = maps_frames(variant->type, variant->attrs);
}

FIXTURE_TEARDOWN(pins)
{
	/* Some cases have already removed it. */
	munmap(self->map, SIZE);
	close(self->fd);
	region_destroy(&self->r);
	close(self->disk);
	munmap(self->buf, SIZE);
}

FIXTURE_LIKE(pinned, pins)
FOR_EACH_PAGE_BACKING(BACKING_VARIANT, pinned)

/* A system call's result, or -errno. */
static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* The only view of the region that needs no mapping. */
static bool region_is_zero(int fd, u8 *buf)
{
	memset(buf, 0xff, SIZE);
	return pread(fd, buf, SIZE, 0) == SIZE && all_zero(buf, SIZE);
}

/* --- O_DIRECT --- */

TEST_F(pins, direct_read)
{
	size_t odd = 3 * self->page + 512, size = 5 * self->page + 1024;

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->buf, SIZE, 0));

	/* No page of the mapping has been touched. */
	if (self->frames) {
		EXPECT_EQ(-EFAULT, result(pread(self->disk, self->map, SIZE, 0)));
		load_byte(self->map);
		EXPECT_EQ(-EFAULT, result(pread(self->disk, self->map, SIZE, 0)));
		EXPECT_TRUE(region_is_zero(self->fd, self->buf));
		return;
	}
	ASSERT_EQ(SIZE, result(pread(self->disk, self->map, SIZE, 0)));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 1));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	memset(self->map, 0, SIZE);
	ASSERT_EQ(size, result(pread(self->disk, self->map + odd, size, 512)));
	EXPECT_EQ(size, differs(self->map + odd, 512, size, 1));
	EXPECT_TRUE(all_zero(self->map, odd));
	EXPECT_TRUE(all_zero(self->map + odd + size, SIZE - odd - size));
}

TEST_F(pins, direct_write)
{
	size_t odd = 7 * self->page + 1536, size = 2 * self->page + 512;

	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->buf, SIZE, 0));
	fill(self->buf, 0, SIZE, 2);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));

	if (self->frames) {
		EXPECT_EQ(-EFAULT, result(pwrite(self->disk, self->map, SIZE, 0)));
		ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
		EXPECT_TRUE(all_zero(self->buf, SIZE));
		return;
	}
	ASSERT_EQ(SIZE, result(pwrite(self->disk, self->map, SIZE, 0)));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));

	ASSERT_EQ(size, result(pwrite(self->disk, self->map + odd, size, 4096)));
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(4096, differs(self->buf, 0, 4096, 2));
	EXPECT_EQ(size, differs(self->buf + 4096, odd, size, 2));
}

/* A read-only mapping can be a source, not a destination. */
TEST_F(pins, direct_read_only)
{
	int fd = open(self->r.node, O_RDONLY);
	u8 *map = NULL;

	fill(self->buf, 0, SIZE, 3);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	EXPECT_EQ(-EFAULT, result(pread(self->disk, map, SIZE, 0)));
	EXPECT_EQ(self->frames ? -EFAULT : SIZE,
		  result(pwrite(self->disk, map, SIZE, 0)));
	EXPECT_EQ(SIZE, differs(map, 0, SIZE, 3));
	munmap(map, SIZE);
	close(fd);
}

TEST_F(pins, direct_revoked)
{
	long works = self->frames ? -EFAULT : SIZE;

	fill(self->buf, 0, SIZE, 4);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(works, result(pread(self->disk, self->map, SIZE, 0)));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(-EFAULT, result(pread(self->disk, self->map, SIZE, 0)));
	EXPECT_EQ(-EFAULT, result(pwrite(self->disk, self->map, SIZE, 0)));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(works, result(pread(self->disk, self->map, SIZE, 0)));
	EXPECT_EQ(works, result(pwrite(self->disk, self->map, SIZE, 0)));
}

/* --- io_uring --- */

struct ring {
	struct io_uring_params params;
	struct io_uring_sqe *sqes;
	void *rings;
	size_t size;
	int fd;
};

static int ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;
	size_t sq, cq;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(__NR_io_uring_setup, 2, p);
	if (ring->fd < 0)
		return -errno;
	sq = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	/* IORING_FEAT_SINGLE_MMAP */
	ring->size = sq > cq ? sq : cq;
	ring->rings = mmap(NULL, ring->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(*ring->sqes),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			  IORING_OFF_SQES);
	return ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED ?
	       -ENOMEM : 0;
}

static void ring_close(struct ring *ring)
{
	munmap(ring->rings, ring->size);
	munmap(ring->sqes, ring->params.sq_entries * sizeof(*ring->sqes));
	close(ring->fd);
}

static unsigned int *ring_word(struct ring *ring, unsigned int offset)
{
	return ring->rings + offset;
}

/* Give the kernel a fixed buffer, the ring's first; 0 or -errno. */
static int ring_register(struct ring *ring, void *addr, size_t size)
{
	struct iovec iov = { addr, size };

	return result(syscall(__NR_io_uring_register, ring->fd,
			      IORING_REGISTER_BUFFERS, &iov, 1));
}

/* One fixed read or write from start to end; what came of it. */
static int ring_do(struct ring *ring, unsigned int op, int fd, void *addr,
		   unsigned int size, u64 offset)
{
	struct io_uring_params *p = &ring->params;
	unsigned int tail = *ring_word(ring, p->sq_off.tail);
	unsigned int mask = *ring_word(ring, p->sq_off.ring_mask);
	unsigned int head = *ring_word(ring, p->cq_off.head);
	struct io_uring_cqe *cqes = ring->rings + p->cq_off.cqes;
	long ret;

	ring->sqes[tail & mask] = (struct io_uring_sqe) {
		.opcode = op,
		.fd = fd,
		.addr = (unsigned long)addr,
		.len = size,
		.off = offset,
	};
	ring_word(ring, p->sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(ring_word(ring, p->sq_off.tail), tail + 1,
			 __ATOMIC_RELEASE);
	do {
		ret = syscall(__NR_io_uring_enter, ring->fd, 1, 1,
			      IORING_ENTER_GETEVENTS, NULL, 0);
	} while (ret < 0 && errno == EINTR);
	if (ret != 1 ||
	    __atomic_load_n(ring_word(ring, p->cq_off.tail),
			    __ATOMIC_ACQUIRE) == head)
		return -EPROTO;
	mask = *ring_word(ring, p->cq_off.ring_mask);
	ret = cqes[head & mask].res;
	__atomic_store_n(ring_word(ring, p->cq_off.head), head + 1,
			 __ATOMIC_RELEASE);
	return ret;
}

TEST_F(pins, uring)
{
	size_t odd = 5 * self->page + 512, size = 9 * self->page + 512;
	struct ring ring;

	ASSERT_EQ(0, ring_open(&ring));
	if (self->frames) {
		EXPECT_EQ(-EFAULT, ring_register(&ring, self->map, SIZE));
		load_byte(self->map);
		EXPECT_EQ(-EFAULT, ring_register(&ring, self->map, self->page));
		ring_close(&ring);
		return;
	}

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->buf, SIZE, 0));
	ASSERT_EQ(0, ring_register(&ring, self->map, SIZE));
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_READ_FIXED, self->disk,
				self->map, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 1));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	fill(self->map, 0, SIZE, 2);
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_WRITE_FIXED, self->disk,
				self->map, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));

	ASSERT_EQ(size, ring_do(&ring, IORING_OP_WRITE_FIXED, self->disk,
				self->map + odd, size, 4096));
	ASSERT_EQ(size, ring_do(&ring, IORING_OP_READ_FIXED, self->disk,
				self->map, size, 4096));
	EXPECT_EQ(size, differs(self->map, odd, size, 2));
	ring_close(&ring);
}

/* Bytes of the region in a buffer of the kernel's: to be read and written by it. */
TEST_F(pins, uring_moves)
{
	struct ring ring;

	ASSERT_EQ(0, ring_open(&ring));
	ASSERT_EQ(0, ring_register(&ring, self->buf, SIZE));
	fill(self->map, 0, SIZE, 1);
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_READ_FIXED, self->fd,
				self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
	fill(self->buf, 0, SIZE, 2);
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_WRITE_FIXED, self->fd,
				self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 2));
	ring_close(&ring);
}

/*
 * The buffer is registered once: revoke, restore, munmap and the end of the
 * region do not reach it, and it is the region's memory as long as there is one.
 */
TEST_F(pinned, uring_outlives)
{
	struct ring ring;

	ASSERT_EQ(0, ring_open(&ring));
	fill(self->map, 0, SIZE, 1);
	ASSERT_EQ(0, ring_register(&ring, self->map, SIZE));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_WRITE_FIXED, self->disk,
				self->map, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	/* No other buffer can be registered now. */
	struct ring late;

	ASSERT_EQ(0, ring_open(&late));
	EXPECT_EQ(-EFAULT, ring_register(&late, self->map, SIZE));
	ring_close(&late);

	ASSERT_EQ(0, region_revoke(&self->r, 0));
	fill(self->map, 0, SIZE, 2);
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_WRITE_FIXED, self->disk,
				self->map, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));

	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(0, close(self->fd));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pwrite(self->disk, self->buf, SIZE, 0));
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_WRITE_FIXED, self->disk,
				self->map, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->disk, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));
	/* And it can still be written to. */
	ASSERT_EQ(SIZE, ring_do(&ring, IORING_OP_READ_FIXED, self->disk,
				self->map, SIZE, 0));
	ring_close(&ring);
}

/* --- vmsplice --- */

TEST_F(pins, vmsplice)
{
	size_t size = 8 * self->page, odd = self->page + 100;
	struct iovec iov = { self->map + odd, size };
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	if (self->frames) {
		EXPECT_EQ(-EFAULT, result(vmsplice(pipes[1], &iov, 1, 0)));
	} else {
		ASSERT_EQ(size, vmsplice(pipes[1], &iov, 1, 0));
		/* vmsplice takes the page, not a copy. */
		self->map[odd] ^= 0xff;
		ASSERT_EQ(size, read(pipes[0], self->buf, size));
		self->buf[0] ^= 0xff;
		EXPECT_EQ(size, differs(self->buf, odd, size, 1));
		self->map[odd] ^= 0xff;
	}

	/* The other direction is a copy, and any memory will do. */
	fill(self->buf, 0, size, 2);
	ASSERT_EQ(size, write(pipes[1], self->buf, size));
	ASSERT_EQ(size, vmsplice(pipes[0], &iov, 1, 0));
	EXPECT_EQ(size, differs(self->map + odd, 0, size, 2));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(pinned, vmsplice_outlives)
{
	size_t size = 4 * self->page;
	struct iovec iov = { self->map + SIZE - size, size };
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	fill(self->map, 0, SIZE, 1);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(size, vmsplice(pipes[1], &iov, 1, 0));
	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(size, read(pipes[0], self->buf, size));
	EXPECT_EQ(size, differs(self->buf, SIZE - size, size, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(size, read(pipes[0], self->buf, size));
	EXPECT_EQ(size, differs(self->buf, SIZE - size, size, 1));
	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(size, read(pipes[0], self->buf, size));
	EXPECT_EQ(size, differs(self->buf, SIZE - size, size, 1));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(size, read(pipes[0], self->buf, size));
	EXPECT_EQ(size, differs(self->buf, SIZE - size, size, 1));
	close(pipes[0]);
	close(pipes[1]);
}

/* --- process_vm_readv, process_vm_writev --- */

/* A child with the same mappings that waits to be killed. */
static pid_t start_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static long vm_read(pid_t pid, u8 *buf, u8 *addr, size_t size)
{
	struct iovec local = { buf, size }, remote = { addr, size };

	return result(process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

static long vm_write(pid_t pid, u8 *buf, u8 *addr, size_t size)
{
	struct iovec local = { buf, size }, remote = { addr, size };

	return result(process_vm_writev(pid, &local, 1, &remote, 1, 0));
}

/* ids: ME-28 */
TEST_F(pins, process_vm)
{
	size_t odd = 3 * self->page - 7, size = 20 * self->page + 11;
	u8 *hole;
	pid_t pid;

	/* The range behind the mapping is unmapped. */
	hole = mmap(NULL, SIZE + self->page, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, hole);
	ASSERT_EQ(hole, mremap(self->map, SIZE, SIZE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, hole));
	self->map = hole;
	ASSERT_EQ(0, munmap(hole + SIZE, self->page));
	pid = start_child();
	ASSERT_LT(0, pid);

	fill(self->buf, 0, SIZE, 1);
	if (self->frames) {
		EXPECT_EQ(-EFAULT, vm_write(pid, self->buf, self->map, SIZE));
		EXPECT_EQ(-EFAULT, vm_read(pid, self->buf, self->map, 1));
		EXPECT_TRUE(region_is_zero(self->fd, self->buf));
		end_child(pid);
		return;
	}
	ASSERT_EQ(SIZE, vm_write(pid, self->buf, self->map, SIZE));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	memset(self->buf, 0, size);
	ASSERT_EQ(size, vm_read(pid, self->buf, self->map + odd, size));
	EXPECT_EQ(size, differs(self->buf, odd, size, 1));
	fill(self->buf, odd, size, 2);
	ASSERT_EQ(size, vm_write(pid, self->buf, self->map + odd, size));
	EXPECT_EQ(odd, differs(self->map, 0, odd, 1));
	EXPECT_EQ(size, differs(self->map + odd, odd, size, 2));
	EXPECT_EQ(SIZE - odd - size, differs(self->map + odd + size, odd + size,
					     SIZE - odd - size, 1));

	/* Up to the end, and from there on. */
	EXPECT_EQ(1, vm_read(pid, self->buf, self->map + SIZE - 1, 1));
	EXPECT_EQ(pattern(SIZE - 1, 1), self->buf[0]);
	EXPECT_EQ(100, vm_read(pid, self->buf, self->map + SIZE - 100, 5000));
	EXPECT_EQ(100, differs(self->buf, SIZE - 100, 100, 1));
	EXPECT_EQ(100, vm_write(pid, self->buf, self->map + SIZE - 100, 5000));
	EXPECT_EQ(-EFAULT, vm_read(pid, self->buf, self->map + SIZE, 1));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(-EFAULT, vm_read(pid, self->buf, self->map, SIZE));
	EXPECT_EQ(-EFAULT, vm_write(pid, self->buf, self->map, SIZE));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	ASSERT_EQ(odd, vm_read(pid, self->buf, self->map, odd));
	EXPECT_EQ(odd, differs(self->buf, 0, odd, 1));
	end_child(pid);
}

/* The mapping as the near side: plain loads and stores of the kernel. */
TEST_F(pins, process_vm_local)
{
	pid_t pid = start_child();

	ASSERT_LT(0, pid);
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	memset(self->buf, 0, SIZE);
	/* The child has its own copy of this buffer. */
	ASSERT_EQ(SIZE, vm_write(pid, self->map, self->buf, SIZE));
	EXPECT_TRUE(all_zero(self->buf, SIZE));
	memset(self->map, 0, SIZE);
	ASSERT_EQ(SIZE, vm_read(pid, self->map, self->buf, SIZE));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 1));
	end_child(pid);
}

/* --- long-term pins, by the kernel's own mm/gup_test.c --- */

#define GUP_TEST "/sys/kernel/debug/gup_test"

struct pin_longterm_test {
	u64 addr;
	u64 size;
	unsigned int flags;
};

#define PIN_LONGTERM_TEST_START	_IOW('g', 7, struct pin_longterm_test)
#define PIN_LONGTERM_TEST_STOP	_IO('g', 8)
#define PIN_LONGTERM_TEST_READ	_IOW('g', 9, u64)

/* Flags: 1 to write, 2 by the fast path. */
static int pin(int gup, void *addr, size_t size, unsigned int flags)
{
	struct pin_longterm_test args = {
		.addr = (unsigned long)addr, .size = size, .flags = flags,
	};

	return result(ioctl(gup, PIN_LONGTERM_TEST_START, &args));
}

static int pin_read(int gup, void *buf)
{
	u64 addr = (unsigned long)buf;

	return result(ioctl(gup, PIN_LONGTERM_TEST_READ, &addr));
}

TEST_F(pins, longterm)
{
	int gup = open(GUP_TEST, O_RDWR);

	if (gup < 0)
		SKIP(return, "the kernel has no gup_test");
	fill(self->buf, 0, SIZE, 0);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	for (unsigned int flags = 0; flags < 4; flags++) {
		if (self->frames) {
			EXPECT_EQ(-EFAULT, pin(gup, self->map, SIZE, flags));
			continue;
		}
		/* Only the first page has been touched. */
		ASSERT_EQ(0, region_revoke(&self->r, 1));
		EXPECT_EQ(-EFAULT, pin(gup, self->map, SIZE, flags));
		ASSERT_EQ(0, region_revoke(&self->r, 0));
		ASSERT_EQ(0, pin(gup, self->map, SIZE, flags));
		memset(self->buf, 0xff, SIZE);
		ASSERT_EQ(0, pin_read(gup, self->buf));
		EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, flags));
		fill(self->map, 0, SIZE, flags + 1);
		ASSERT_EQ(0, pin_read(gup, self->buf));
		EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, flags + 1));
		ASSERT_EQ(0, ioctl(gup, PIN_LONGTERM_TEST_STOP));
	}
	close(gup);
}

TEST_F(pinned, longterm_outlives)
{
	int gup = open(GUP_TEST, O_RDWR);

	if (gup < 0)
		SKIP(return, "the kernel has no gup_test");
	fill(self->map, 0, SIZE, 1);
	ASSERT_EQ(0, pin(gup, self->map, SIZE, 1));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, pin_read(gup, self->buf));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	/* Restored, the mapping and the pin are the same pages again. */
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	fill(self->map, 0, SIZE, 2);
	ASSERT_EQ(0, pin_read(gup, self->buf));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));

	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(0, region_destroy(&self->r));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(0, pin_read(gup, self->buf));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));

	/* The last file, and with it the region's memory. */
	ASSERT_EQ(0, close(self->fd));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(0, pin_read(gup, self->buf));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));
	/* New allocations do not get the pinned page. */
	ASSERT_EQ(0, region_create(&self->r, "size=2M backing=pages"));
	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(0, pin_read(gup, self->buf));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 2));
	close(gup);
}

/* --- futex --- */

/*
 * A futex that processes share is known by the inode and offset of its page,
 * which the pages of a page cache have, and with dirty=1 all: dirty.c. One of a
 * single process is known by its address.
 */
TEST_F(pins, futex)
{
	size_t at = 5 * self->page + 64;
	u8 *word = self->map + at;
	pid_t pid;

	EXPECT_EQ(-EAGAIN, futex(word, FUTEX_WAIT_PRIVATE, 1));
	EXPECT_EQ(0, futex(word, FUTEX_WAKE_PRIVATE, 1));
	if (variant->type != MAPDEV_PAGED) {
		EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAIT, 1));
		EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAKE, 1));
		return;
	}

	EXPECT_EQ(-EAGAIN, futex(word, FUTEX_WAIT, 1));
	pid = futex_wait_mapped(self->r.node, SIZE, at);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, futex_wake_child(pid, word));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAKE, 1));
	EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAIT_PRIVATE, 0));
}

TEST_HARNESS_MAIN
