// SPDX-License-Identifier: GPL-2.0
/* The dirty log: a write by any path is reported by the next call, exactly once. */
#include <sys/ptrace.h>
#include <sys/uio.h>

#include <linux/fs.h>
#include <linux/io_uring.h>

#include "dirty_region.h"
#include "futex.h"

#define DISK "/dev/ram0"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* What is moved, freed and tracked by mm core is a page cache. */
FIXTURE_LIKE(cached, dirty)
VARIANT(paged_page, "backing=paged granule=PAGE", MAPDEV_PAGED, cached)
FOR_EACH_LOGGED_FOLIO(VARIANT, cached)

TEST_F(dirty, reads_are_not_logged)
{
	u8 *buf = malloc(SIZE);

	EXPECT_DIRTY();
	FOR_EACH_PLACE(at)
		load_byte(self->map + at);
	EXPECT_DIRTY();
	ASSERT_EQ(SIZE, pread(self->log.fd, buf, SIZE, 0));
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_POPULATE_READ));
	munmap(self->map, SIZE);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, self->log.fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, mlock(self->map, SIZE));
	EXPECT_DIRTY();
	free(buf);
}

/* ids: LK-69 */
TEST_F(dirty, stores_are_logged)
{
	/* To pages that are unmapped, mapped read-only, and already dirty. */
	for (int round = 0; round < 3; round++) {
		int advice = round == 1 ? MADV_DONTNEED : MADV_NORMAL;

		ASSERT_EQ(0, madvise(self->map, SIZE, advice));
		FOR_EACH_PLACE(at) {
			if (round == 1)
				load_byte(self->map + at);
			store_byte(self->map + at, round);
			expect(&self->log, &self->want, at, 1);
		}
		EXPECT_DIRTY();
	}
	/* One at a time. */
	FOR_EACH_PLACE(at) {
		load_byte(self->map + at);
		EXPECT_DIRTY();
		store_byte(self->map + at, 9);
		store_byte(self->map + at, 8);
		expect(&self->log, &self->want, at, 1);
		EXPECT_DIRTY();
	}
}

TEST_F(dirty, whole_region_is_logged)
{
	for (int round = 0; round < 2; round++) {
		memset(self->map, round, SIZE);
		expect(&self->log, &self->want, 0, SIZE);
		EXPECT_DIRTY();
	}
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_POPULATE_WRITE));
	expect(&self->log, &self->want, 0, SIZE);
	EXPECT_DIRTY();
}

TEST_F(dirty, write_is_logged)
{
	u8 *buf = malloc(SIZE);
	struct iovec iov[2] = { { buf, 100 }, { buf, 3 * PAGE } };

	memset(buf, 1, SIZE);
	for (int mapped = 0; mapped < 2; mapped++) {
		FOR_EACH_PLACE(at) {
			ASSERT_EQ(1, pwrite(self->log.fd, buf, 1, at));
			expect(&self->log, &self->want, at, 1);
			EXPECT_DIRTY();
		}
		ASSERT_EQ(200000, pwrite(self->log.fd, buf, 200000, 65536 - 7));
		expect(&self->log, &self->want, 65536 - 7, 200000);
		EXPECT_DIRTY();
		ASSERT_EQ(100 + 3 * PAGE, pwritev(self->log.fd, iov, 2,
						  SIZE - 100 - 3 * PAGE));
		expect(&self->log, &self->want, SIZE - 100 - 3 * PAGE,
		       100 + 3 * PAGE);
		EXPECT_DIRTY();
		/* From the region to itself, through unmapped pages. */
		ASSERT_EQ(PAGE, pwrite(self->log.fd, self->map + 5 * 1024 * 1024,
				       PAGE, 0));
		expect(&self->log, &self->want, 0, PAGE);
		EXPECT_DIRTY();
		ASSERT_EQ(SIZE, pwrite(self->log.fd, buf, SIZE, 0));
		expect(&self->log, &self->want, 0, SIZE);
		EXPECT_DIRTY();
		FOR_EACH_PLACE(at)
			load_byte(self->map + at);
	}
	/* Past the end, and of length 0. */
	EXPECT_EQ(-1, pwrite(self->log.fd, buf, 1, SIZE));
	EXPECT_EQ(0, pwrite(self->log.fd, buf, 0, 0));
	EXPECT_DIRTY();
	free(buf);
}

/* --- Writes on behalf of another task --- */

TEST_F(dirty, proc_mem)
{
	int mem = open("/proc/self/mem", O_RDWR);
	u8 byte = 7;

	ASSERT_LE(0, mem);
	for (int round = 0; round < 2; round++) {
		FOR_EACH_PLACE(at) {
			ASSERT_EQ(1, pwrite(mem, &byte, 1,
					    (uintptr_t)self->map + at));
			expect(&self->log, &self->want, at, 1);
			EXPECT_DIRTY();
			ASSERT_EQ(1, pread(mem, &byte, 1,
					   (uintptr_t)self->map + at));
			EXPECT_DIRTY();
		}
	}
	close(mem);
}

TEST_F(dirty, ptrace)
{
	pid_t child;
	int status;

	memset(self->map, 0, SIZE);
	expect(&self->log, &self->want, 0, SIZE);
	EXPECT_DIRTY();
	child = fork();
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(self->map[5 * PAGE] != 42);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, ptrace(PTRACE_POKEDATA, child, self->map + 5 * PAGE,
				    (void *)42));
		expect(&self->log, &self->want, 5 * PAGE, 8);
		EXPECT_DIRTY();
	}
	ASSERT_EQ(0, ptrace(PTRACE_CONT, child, NULL, NULL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_DIRTY();
}

TEST_F(dirty, vm_writev)
{
	u8 *buf = malloc(SIZE);
	struct iovec local = { buf, 3 * PAGE };
	struct iovec remote = { self->map + 65536 - PAGE, 3 * PAGE };

	memset(buf, 3, SIZE);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(3 * PAGE, process_vm_writev(getpid(), &local, 1,
						      &remote, 1, 0));
		expect(&self->log, &self->want, 65536 - PAGE, 3 * PAGE);
		EXPECT_DIRTY();
		ASSERT_EQ(3 * PAGE, process_vm_readv(getpid(), &local, 1,
						     &remote, 1, 0));
		EXPECT_DIRTY();
	}
	free(buf);
}

/* Pages are pinned, and written without a fault. */
/* ids: LK-90 */
TEST_F(dirty, direct)
{
	const size_t at = 1024 * 1024 - PAGE, size = 5 * PAGE;
	int disk = open(DISK, O_RDWR | O_DIRECT);

	ASSERT_LE(0, disk);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(size, pread(disk, self->map + at, size, 0));
		expect(&self->log, &self->want, at, size);
		EXPECT_DIRTY();
		ASSERT_EQ(size, pwrite(disk, self->map + at, size, 0));
		EXPECT_DIRTY();
	}
	close(disk);
}

/* GUP refuses long-term write pins of file pages with a dirty log. */
TEST_F(dirty, no_longterm_pins)
{
	struct io_uring_params params = {};
	struct iovec iov = { self->map, PAGE };
	int ring = syscall(__NR_io_uring_setup, 2, &params);

	ASSERT_LE(0, ring);
	for (int round = 0; round < 2; round++) {
		errno = 0;
		EXPECT_EQ(-1, syscall(__NR_io_uring_register, ring,
				      IORING_REGISTER_BUFFERS, &iov, 1));
		EXPECT_EQ(EFAULT, errno);
		memset(self->map, 1, PAGE);
	}
	close(ring);
}

struct writer {
	struct iovec local, remote;
	ssize_t ret;
};

static void *write_slowly(void *arg)
{
	struct writer *w = arg;

	w->ret = process_vm_writev(getpid(), &w->local, 1, &w->remote, 1, 0);
	return NULL;
}

/* Pinned before a collection, written after it: the next one reports the pages. */
TEST_F(dirty, write_by_pin_is_logged)
{
	struct units got;
	struct writer w;
	struct slow slow;
	pthread_t thread;
	u8 page[PAGE];

	memset(page, 0x5a, PAGE);
	ASSERT_EQ(0, slow_open(&slow));
	w.local = (struct iovec) { slow.mem, PAGE };
	w.remote = (struct iovec) { self->map + 1024 * 1024, PAGE };
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_slowly, &w));
	slow_wait(&slow);

	store_byte(self->map, 1);
	expect(&self->log, &self->want, 0, 1);
	expect(&self->log, &self->want, 1024 * 1024, PAGE);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, collect(&self->log, &got));
		EXPECT_EQ(-1, unlike(&self->log, &self->want, &got));
		/* Unpinned pages are discarded as usual. */
		if (self->log.unit <= 1024 * 1024)
			self->want.is[0] = 0;
	}
	EXPECT_EQ(0, self->map[1024 * 1024]);

	ASSERT_EQ(0, slow_go(&slow, page));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(PAGE, w.ret);
	EXPECT_EQ(0x5a, self->map[1024 * 1024]);
	EXPECT_DIRTY();
	slow_close(&slow);
}

/* A shared futex needs folio->mapping and an index, which logged pages have. */
TEST_F(dirty, shared_futex)
{
	size_t at = 1024 * 1024 + 64;
	void *word = self->map + at;
	pid_t pid;

	EXPECT_EQ(-EAGAIN, futex(word, FUTEX_WAIT, 1));
	pid = futex_wait_mapped(self->log.r.node, SIZE, at);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, futex_wake_child(pid, word));

	ASSERT_EQ(0, region_revoke(&self->log.r, 1));
	EXPECT_EQ(-EFAULT, futex(word, FUTEX_WAKE, 1));
}

/* --- Mappings that come, go and change --- */

TEST_F(dirty, second_mapping)
{
	u8 *other = map_shared(self->log.fd);

	ASSERT_NE(MAP_FAILED, other);
	for (int round = 0; round < 3; round++) {
		store_byte(self->map + 3 * PAGE, round);
		store_byte(other + 3 * PAGE + 1, round);
		store_byte(other + 4 * 1024 * 1024, round);
		expect(&self->log, &self->want, 3 * PAGE, 1);
		expect(&self->log, &self->want, 4 * 1024 * 1024, 1);
		EXPECT_DIRTY();
		store_byte(other + 3 * PAGE, round);
		expect(&self->log, &self->want, 3 * PAGE, 1);
		EXPECT_DIRTY();
	}
	/* Unmapped while dirty. */
	store_byte(other + 5 * 1024 * 1024, 1);
	expect(&self->log, &self->want, 5 * 1024 * 1024, 1);
	munmap(other, SIZE);
	EXPECT_DIRTY();
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	EXPECT_DIRTY();
}

TEST_F(dirty, protections)
{
	/* A dirty entry stays dirty when it becomes writable again. */
	for (int when = 0; when < 2; when++) {
		store_byte(self->map + PAGE, 1);
		expect(&self->log, &self->want, PAGE, 1);
		if (when)
			EXPECT_DIRTY();
		ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ));
		if (!when)
			EXPECT_DIRTY();
		ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ | PROT_WRITE));
		EXPECT_DIRTY();
		store_byte(self->map + PAGE, 2);
		expect(&self->log, &self->want, PAGE, 1);
		EXPECT_DIRTY();
	}
}

TEST_F(dirty, moved)
{
	u8 *new;

	store_byte(self->map + PAGE, 1);
	expect(&self->log, &self->want, PAGE, 1);
	new = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(new, mremap(self->map, SIZE, SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, new));
	self->map = new;
	EXPECT_DIRTY();
	store_byte(self->map + PAGE, 2);
	expect(&self->log, &self->want, PAGE, 1);
	EXPECT_DIRTY();
}

/* Have mm core migrate a page: soft offline. */
static int replace_page(u8 *addr)
{
	char pfn[32];

	snprintf(pfn, sizeof(pfn), "%#llx", (unsigned long long)pfn_of(addr));
	if (madvise(addr, PAGE, MADV_SOFT_OFFLINE))
		return -errno;
	/* The page is good: unpoison it. */
	return write_file("/sys/kernel/debug/hwpoison/unpoison-pfn", pfn);
}

TEST_F(cached, migrated)
{
	for (int round = 2; round < 5; round++) {
		store_byte(self->map + PAGE, round);
		expect(&self->log, &self->want, PAGE, 1);
		/* With a writable and with a read-only entry. */
		if (round == 3)
			EXPECT_DIRTY();
		ASSERT_EQ(0, replace_page(self->map + PAGE));
		EXPECT_DIRTY();
		EXPECT_EQ(round, load_byte(self->map + PAGE));
	}
}

static int resize(struct logged *log, u64 size)
{
	struct mapdev_resize arg = { .size = sizeof(arg), .length = size };

	if (ioctl(log->fd, MAPDEV_IOC_RESIZE, &arg))
		return -errno;
	log->size = size;
	log->count = (size + log->unit - 1) / log->unit;
	return 0;
}

/* Discarded and added ranges count as dirty. */
TEST_F(cached, discarded_and_resized)
{
	struct mapdev_discard discard = {
		.size = sizeof(discard),
		.offset = 65536 - PAGE,
		.length = 3 * PAGE,
	};

	memset(self->map, 1, SIZE);
	expect(&self->log, &self->want, 0, SIZE);
	EXPECT_DIRTY();
	ASSERT_EQ(0, ioctl(self->log.fd, MAPDEV_IOC_DISCARD, &discard));
	expect(&self->log, &self->want, discard.offset, discard.length);
	EXPECT_DIRTY();
	/* The range was already empty. */
	ASSERT_EQ(0, ioctl(self->log.fd, MAPDEV_IOC_DISCARD, &discard));
	expect(&self->log, &self->want, discard.offset, discard.length);
	EXPECT_DIRTY();
	store_byte(self->map + discard.offset, 2);
	expect(&self->log, &self->want, discard.offset, 1);
	EXPECT_DIRTY();

	/* The end of the region lies within a unit, but for pages. */
	store_byte(self->map, 3);
	expect(&self->log, &self->want, 0, 1);
	ASSERT_EQ(0, resize(&self->log, SIZE + 3 * 1024 * 1024));
	expect(&self->log, &self->want, SIZE, 3 * 1024 * 1024);
	EXPECT_DIRTY();
	ASSERT_EQ(1, pwrite(self->log.fd, "", 1, self->log.size - 1));
	ASSERT_EQ(0, resize(&self->log, SIZE - PAGE));
	EXPECT_DIRTY();
	store_byte(self->map + PAGE, 4);
	expect(&self->log, &self->want, PAGE, 1);
	ASSERT_EQ(0, resize(&self->log, SIZE));
	expect(&self->log, &self->want, SIZE - PAGE, PAGE);
	EXPECT_DIRTY();
}

TEST_F(dirty, private_copies)
{
	u8 *copy = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			self->log.fd, 0);

	if (variant->type != MAPDEV_PAGED) {
		EXPECT_EQ(MAP_FAILED, copy);
		return;
	}
	load_byte(copy);
	store_byte(copy, 1);
	store_byte(copy + 1024 * 1024, 1);
	EXPECT_DIRTY();
	EXPECT_EQ(0, self->map[0]);
	munmap(copy, SIZE);
	EXPECT_DIRTY();
}

/* The child has the parent's entries, or none. */
TEST_F(dirty, forked)
{
	int go[2], done[2];
	pid_t child;
	char c = 0;
	int status;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	store_byte(self->map + PAGE, 1);
	store_byte(self->map + 1024 * 1024, 1);
	expect(&self->log, &self->want, PAGE, 1);
	expect(&self->log, &self->want, 1024 * 1024, 1);
	child = fork();
	if (!child) {
		for (int i = 0; i < 3; i++) {
			read(go[0], &c, 1);
			store_byte(self->map + PAGE, 10 + i);
			store_byte(self->map + 6 * 1024 * 1024, 10 + i);
			write(done[1], &c, 1);
		}
		/* A mapping that goes away during a collection may be reported twice. */
		read(go[0], &c, 1);
		_exit(0);
	}
	EXPECT_DIRTY();
	for (int i = 0; i < 3; i++) {
		write(go[1], &c, 1);
		ASSERT_EQ(1, read(done[0], &c, 1));
		expect(&self->log, &self->want, PAGE, 1);
		expect(&self->log, &self->want, 6 * 1024 * 1024, 1);
		if (i == 1) {
			store_byte(self->map + 1024 * 1024, i);
			expect(&self->log, &self->want, 1024 * 1024, 1);
		}
		EXPECT_DIRTY();
	}
	write(go[1], &c, 1);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(12, self->map[PAGE]);
	EXPECT_DIRTY();
}

TEST_F(dirty, revoked)
{
	struct units got;

	store_byte(self->map + PAGE, 1);
	expect(&self->log, &self->want, PAGE, 1);
	ASSERT_EQ(0, region_revoke(&self->log.r, 1));
	EXPECT_EQ(-ENODEV, collect(&self->log, &got));
	EXPECT_EQ(SIGBUS, touch_write(self->map));
	ASSERT_EQ(0, region_revoke(&self->log.r, 0));
	EXPECT_DIRTY();
	store_byte(self->map + PAGE, 1);
	expect(&self->log, &self->want, PAGE, 1);
	EXPECT_DIRTY();
}

/* --- Entries --- */

/* Is it mapped by a huge entry? */
static bool is_huge(u8 *addr)
{
	struct page_region found;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.start = (uintptr_t)addr,
		.end = (uintptr_t)addr + PAGE,
		.vec = (uintptr_t)&found,
		.vec_len = 1,
		.category_mask = PAGE_IS_HUGE,
		.return_mask = PAGE_IS_HUGE,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY);
	int n = ioctl(fd, PAGEMAP_SCAN, &arg);

	close(fd);
	return n == 1;
}

/* Huge entries of the size of the granule, for reading and for writing. */
TEST_F(dirty, huge_entries)
{
	u8 *at = (u8 *)(((uintptr_t)self->map + 2097151) & ~2097151UL);
	bool huge = self->log.unit == PMD;
	long faults = region_stat(&self->log.r, "mkwrite");

	for (int round = 0; round < 3; round++) {
		load_byte(at);
		EXPECT_EQ(huge, is_huge(at));
		store_byte(at, round);
		EXPECT_EQ(huge, is_huge(at));
		store_byte(at + PAGE, round);
		store_byte(at + 2097151, round);
		expect(&self->log, &self->want, at - self->map, 1);
		expect(&self->log, &self->want, at - self->map + PAGE, 1);
		expect(&self->log, &self->want, at - self->map + 2097151, 1);
		EXPECT_DIRTY();
	}
	faults = region_stat(&self->log.r, "mkwrite") - faults;
	EXPECT_EQ(3, huge ? faults : 3);
}

/* --- PAGEMAP_SCAN, which tracks the writes of one process --- */

static long written(u8 *map, struct page_region *regions, size_t room)
{
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = (uintptr_t)map,
		.end = (uintptr_t)map + SIZE,
		.vec = (uintptr_t)regions,
		.vec_len = room,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY);
	long n = ioctl(fd, PAGEMAP_SCAN, &arg);

	close(fd);
	return n;
}

TEST_F(cached, pagemap_scan)
{
	static struct page_region regions[MAX_UNITS];
	unsigned int seed = 1;
	int fd = uffd_open(UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, uffd_register(fd, self->map, SIZE,
				   UFFDIO_REGISTER_MODE_WP));
	ASSERT_LE(0, written(self->map, regions, MAX_UNITS));
	for (int round = 0; round < 20; round++) {
		long n;

		for (int i = 0; i < 40; i++)
			store_byte(self->map + rand_r(&seed) % SIZE, i);
		n = written(self->map, regions, MAX_UNITS);
		ASSERT_LT(0, n);
		for (long i = 0; i < n; i++)
			expect(&self->log, &self->want,
			       regions[i].start - (uintptr_t)self->map,
			       regions[i].end - regions[i].start);
		EXPECT_DIRTY();
	}
	close(fd);
}

TEST_HARNESS_MAIN
