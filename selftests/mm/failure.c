// SPDX-License-Identifier: GPL-2.0
/*
 * Memory failure: what happens to existing mappings, and that no fault, copy or
 * access of any backing reaches the page any more.
 */
#include <sys/prctl.h>

#include "semantics.h"
#include "tracking.h"

#ifndef BUS_MCEERR_AR
#define BUS_MCEERR_AR 4
#define BUS_MCEERR_AO 5
#endif
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

/* Elsewhere, struct pages may go with memory that mm core was told to leave alone. */
#ifdef __x86_64__
#define RESERVED_HAS_PAGES false
#else
#define RESERVED_HAS_PAGES true
#endif

static void *failed_at;

static void note_failure(int sig, siginfo_t *info, void *context)
{
	touch_code = info->si_code;
	failed_at = info->si_addr;
}

/* Poison a page; the errno, and in touch_code the code of a signal. */
static int poison(u8 *addr)
{
	struct sigaction action = {
		.sa_sigaction = note_failure,
		.sa_flags = SA_SIGINFO,
	}, old;
	int err;

	touch_code = 0;
	sigaction(SIGBUS, &action, &old);
	err = errno_of(madvise(addr, page, MADV_HWPOISON));
	sigaction(SIGBUS, &old, NULL);
	return err;
}

static int heal(u64 pfn)
{
	char value[32];

	snprintf(value, sizeof(value), "%#llx", pfn);
	return write_file("/sys/kernel/debug/hwpoison/unpoison-pfn", value);
}

/* read and write stop at the page at @bad; the pages around it are intact. */
static void expect_eio(struct __test_metadata *_metadata, int fd, size_t bad,
		       size_t after)
{
	u8 byte[2] = {};

	EXPECT_EQ(-1, pread(fd, byte, 2, bad));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(fd, byte, 2, bad));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(1, pread(fd, byte, 2, bad - 1));
	EXPECT_EQ(2, pread(fd, byte, 2, after));
}

/*
 * mm core takes broken pages of a page cache out of mappings. Others stay mapped,
 * as those of other drivers do, but do not come back; page frames it does not
 * even look up.
 */
/* ids: LK-57 */
TEST_F(semantics, memory_failure)
{
	size_t bad = HUGE + 5 * page, after = bad + page;
	u8 *broken = self->map + bad, *other = NULL;
	struct mapdev_info info = { .size = sizeof(info) };
	u64 pfn;

	if (self->class == FRAMES) {
		EXPECT_EQ(EFAULT, poison(broken));
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
		return;
	}
	pfn = pfn_of(broken);
	ASSERT_NE(0, pfn);
	EXPECT_EQ(EBUSY, poison(broken));
	/* A small folio is unmapped at once, for which there is a signal. */
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(self->class == PAGED && info.granule == page ?
		  BUS_MCEERR_AR : 0, touch_code);
	touch_code = 0;
	if (self->class == RAM) {
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
		ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	}
	/* A large folio is split, which unmaps it: the signal comes now. */
	EXPECT_EQ(SIGBUS, touch_read(broken));
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);
	EXPECT_EQ(bad, unstamped(self->map, 0, bad, 1));
	EXPECT_EQ(SIZE - after, unstamped(self->map + after, after,
					  SIZE - after, 1));
	EXPECT_EQ(EHWPOISON, errno_of(madvise(broken, page,
					      MADV_POPULATE_READ)));

	/* The page is gone for every other path, too. */
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	touch_code = 0;
	EXPECT_EQ(SIGBUS, touch_write(broken));
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, 0,
			      &other));
	touch_code = 0;
	EXPECT_EQ(SIGBUS, touch_read(other + bad));
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);
	EXPECT_EQ(bad, unstamped(other, 0, bad, 1));
	munmap(other, SIZE);
	expect_eio(_metadata, self->fd, bad, after);

	/* The page can be unpoisoned when the last reference is gone. */
	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(0, heal(pfn));
}

/*
 * A broken page that is discarded is no page of the region any more. A mapping
 * of it, by itself, keeps an entry that says so until MADV_DONTNEED; if it was
 * part of a larger granule, the split has taken the entry.
 */
FIXTURE(discarded) {
	struct region r;
	u8 *map, *other;
	int fd;
};

FIXTURE_VARIANT(discarded) {
	const char *attrs;
	bool stays;
};

FIXTURE_VARIANT_ADD(discarded, page) { "granule=PAGE", true };
FIXTURE_VARIANT_ADD(discarded, huge) { "granule=2M", false };

FIXTURE_SETUP(discarded)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &self->map));
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, 0,
			      &self->other));
	stamp(self->map, SIZE, 1);
}

FIXTURE_TEARDOWN(discarded)
{
	munmap(self->map, SIZE);
	munmap(self->other, SIZE);
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
}

TEST_F(discarded, discarded_poison_stays_mapped)
{
	bool stays = variant->stays || no_huge_pages();
	size_t bad = HUGE + 5 * page;
	u8 *broken = self->map + bad, *bytes = malloc(page);
	u64 pfn = pfn_of(broken);

	ASSERT_NE(0, pfn);
	EXPECT_EQ(EBUSY, poison(broken));
	EXPECT_EQ(SIGBUS, touch_read(broken));
	ASSERT_EQ(0, region_discard(self->fd, bad, page));
	ASSERT_EQ(page, pread(self->fd, bytes, page, bad));
	EXPECT_TRUE(all_zero(bytes, page));

	/* Pages that were not mapped are good. */
	EXPECT_EQ(0, touch_read(self->other + bad));
	EXPECT_TRUE(all_zero(self->other + bad, page));
	touch_code = 0;
	EXPECT_EQ(stays ? SIGBUS : 0, touch_read(broken));
	EXPECT_EQ(stays ? BUS_MCEERR_AR : 0, touch_code);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(stays ? SIGBUS : 0, touch_read(broken));

	ASSERT_EQ(0, madvise(broken, page, MADV_DONTNEED));
	EXPECT_EQ(0, touch_write(broken));
	EXPECT_EQ(1, self->other[bad]);
	EXPECT_EQ(bad, unstamped(self->map, 0, bad, 1));
	free(bytes);
	EXPECT_EQ(0, heal(pfn));
}

/* Soft offline migrates a page with its contents. */
TEST_F(semantics, soft_offline)
{
	static const int errs[] = { 0, EIO, EFAULT };
	u8 *weak = self->map + HUGE + 5 * page;
	u64 pfn = pfn_of(weak);

	EXPECT_EQ(errs[self->class],
		  errno_of(madvise(weak, page, MADV_SOFT_OFFLINE)));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	if (self->class != PAGED)
		return;
	EXPECT_NE(pfn, pfn_of(weak));
	EXPECT_EQ(0, heal(pfn));
}

/* --- A folio that cannot be split --- */

/*
 * Whichever page is touched first, nobody is given the one that has failed, and
 * the others are as before.
 */
static void expect_neighbours(struct __test_metadata *_metadata, int fd,
			      int prot, int flags)
{
	bool store = prot & PROT_WRITE;
	const size_t bad = 5 * page;
	u8 *map;

	for (size_t first = 4 * page; first <= 6 * page; first += page) {
		ASSERT_EQ(0, try_mmap(fd, HUGE, prot, flags, 0, &map));
		if (first != bad)
			EXPECT_EQ(0, touch(map + first, store));
		touch_code = 0;
		EXPECT_EQ(SIGBUS, touch(map + bad, store));
		EXPECT_EQ(BUS_MCEERR_AR, touch_code);
		EXPECT_EQ(SIGBUS, touch(map + bad, false));
		EXPECT_EQ(7, load_byte(map + 7 * page));
		munmap(map, HUGE);
	}
}

TEST(poison_in_large_folio)
{
	static const char * const attrs[] = {
		"size=2M granule=64K", "size=2M granule=2M",
		"size=2M granule=64K dirty=1", "size=2M granule=2M dirty=1",
	};
	const int rw = PROT_READ | PROT_WRITE;

	page = PAGE;
	if (no_huge_pages() || page >= 65536)
		SKIP(return, "no folio of 64K has more than one page");
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		u8 *map = NULL, byte;
		struct iovec held;
		struct region r;
		int fd, pipes[2];
		u64 pfn;

		ASSERT_EQ(0, region_create(&r, attrs[i]));
		fd = open(r.node, O_RDWR);
		ASSERT_EQ(0, try_mmap(fd, HUGE, rw, MAP_SHARED, 0, &map));
		for (size_t at = 0; at < HUGE; at += page)
			store_byte(map + at, at / page);
		/* The pipe has a reference, and so no split. */
		ASSERT_EQ(0, pipe(pipes));
		held = (struct iovec) { map, 16 };
		ASSERT_EQ(16, vmsplice(pipes[1], &held, 1, 0));
		pfn = pfn_of(map + 5 * page);
		ASSERT_NE(0, poison(map + 5 * page));

		expect_neighbours(_metadata, fd, PROT_READ, MAP_SHARED);
		expect_neighbours(_metadata, fd, rw, MAP_SHARED);
		expect_neighbours(_metadata, fd, PROT_READ, MAP_PRIVATE);
		expect_neighbours(_metadata, fd, rw, MAP_PRIVATE);
		EXPECT_EQ(-1, pread(fd, &byte, 1, 5 * page));
		EXPECT_EQ(EIO, errno);
		EXPECT_EQ(1, pread(fd, &byte, 1, 6 * page));

		munmap(map, HUGE);
		close(pipes[0]);
		close(pipes[1]);
		close(fd);
		EXPECT_EQ(0, region_destroy(&r));
		EXPECT_EQ(0, heal(pfn));
	}
}

/* --- Page frames --- */

static u64 phys_of(int fd)
{
	struct mapdev_info info = { .size = sizeof(info) };

	return ioctl(fd, MAPDEV_IOC_INFO, &info) ? 0 : info.phys_addr;
}

/* As a machine check reports it, in any context. */
static void break_memory(u64 phys)
{
	struct sigaction action = {
		.sa_sigaction = note_failure,
		.sa_flags = SA_SIGINFO,
	}, old;
	char text[32];

	touch_code = 0;
	failed_at = NULL;
	snprintf(text, sizeof(text), "%#llx", phys);
	sigaction(SIGBUS, &action, &old);
	/* The errno comes from mm core. */
	write_file("/sys/devices/system/memory/hard_offline_page", text);
	sigaction(SIGBUS, &old, NULL);
}

/* Read or write through /proc/self/mem: 0 or the errno. */
static int move_by_mem(u8 *at, bool write)
{
	int mem = open("/proc/self/mem", O_RDWR), err;
	u8 byte = 1;

	err = errno_of((write ? pwrite(mem, &byte, 1, (uintptr_t)at) :
				pread(mem, &byte, 1, (uintptr_t)at)) != 1);
	close(mem);
	return err;
}

FIXTURE_LIKE(frames, semantics)
FOR_EACH_CONTIG(BACKING_VARIANT, frames)

/*
 * RAM mapped by page frame: mm core marks the page, but finds no mapping. Existing
 * mappings keep it, and no new one gets it.
 */
/* ids: LK-57 */
TEST_F(frames, poison_of_page_frames)
{
	size_t bad = HUGE + 5 * page, after = bad + page;
	u8 *again = NULL;
	u64 phys = phys_of(self->fd) + bad;

	break_memory(phys);
	EXPECT_EQ(0, touch_code);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));

	expect_eio(_metadata, self->fd, bad, after);
	for (int write = 0; write < 2; write++) {
		EXPECT_EQ(EIO, move_by_mem(self->map + bad, write));
		EXPECT_EQ(0, move_by_mem(self->map + after + page - 1, write));
	}

	/* A new mapping, all of it at mmap or by whichever fault comes first. */
	for (size_t first = bad - page; first <= after; first += page) {
		ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
				      MAP_SHARED, 0, &again));
		if (first != bad)
			EXPECT_EQ(0, touch_read(again + first));
		touch_code = 0;
		EXPECT_EQ(SIGBUS, touch_read(again + bad));
		EXPECT_EQ(BUS_MCEERR_AR, touch_code);
		EXPECT_EQ(SIGBUS, touch_write(again + bad + page - 1));
		EXPECT_EQ(bad, unstamped(again, 0, bad, 1));
		EXPECT_EQ(SIZE - after, unstamped(again + after, after,
						  SIZE - after, 1));
		munmap(again, SIZE);
	}

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(0, touch_read(self->map + bad - page));
	EXPECT_EQ(SIGBUS, touch_read(self->map + bad));
	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(0, heal(phys / page));
}

/* Another process, that has the same mapping and asks to be told early. */
static pid_t waiter(u8 *map, size_t bad)
{
	sigset_t bus;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	sigprocmask(SIG_BLOCK, &bus, NULL);
	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
	pid = fork();
	if (!pid) {
		alarm(60);
		if (sigwaitinfo(&bus, &info) != SIGBUS)
			_exit(1);
		if (info.si_code != BUS_MCEERR_AO)
			_exit(2);
		_exit(info.si_addr == map + bad ? 0 : 3);
	}
	prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
	sigprocmask(SIG_UNBLOCK, &bus, NULL);
	return pid;
}

FIXTURE_LIKE(device, semantics)
FOR_EACH_WINDOW(BACKING_VARIANT, device)

/* Without struct pages, mm core asks who maps them, and tells them. */
TEST_F(device, poison_without_struct_pages)
{
	size_t bad = HUGE + 5 * page;
	u64 phys = phys_of(self->fd) + bad;
	u8 *part = NULL;
	int status;
	pid_t pid;

	if (RESERVED_HAS_PAGES)
		SKIP(return, "the window has struct pages");
	pid = waiter(self->map, bad);
	break_memory(phys);
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);
	EXPECT_EQ(self->map + bad, failed_at);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));

	/* Mappings of other pages and of a revoked region are left alone. */
	munmap(self->map, SIZE);
	ASSERT_EQ(0, try_mmap(self->fd, page, PROT_READ, MAP_SHARED,
			      bad - page, &part));
	break_memory(phys);
	EXPECT_EQ(0, touch_code);
	break_memory(phys - page);
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);
	EXPECT_EQ(part, failed_at);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	break_memory(phys - page);
	EXPECT_EQ(0, touch_code);
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	break_memory(phys - page);
	EXPECT_EQ(BUS_MCEERR_AR, touch_code);

	/* A retired region is not asked. */
	ASSERT_EQ(0, region_destroy(&self->r));
	break_memory(phys - page);
	EXPECT_EQ(0, touch_code);
	munmap(part, page);
}

TEST_HARNESS_MAIN
