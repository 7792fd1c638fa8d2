// SPDX-License-Identifier: GPL-2.0
/*
 * What the calls that make, change and end mappings do to each backing and map
 * mode: mmap, mlock, mremap, munmap, mprotect, mseal, fork.
 */
#include <sys/syscall.h>

#include "moving.h"
#include "semantics.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* glibc before 2.38 passes mremap's last argument only with MREMAP_FIXED. */
static u8 *remap(u8 *old, size_t old_size, size_t size, int flags, u8 *place)
{
	return (u8 *)syscall(__NR_mremap, old, old_size, size, flags, place);
}

/* ids: ME-21 ME-24 */
TEST_F(semantics, map_private)
{
	u8 *copy = NULL;

	if (self->class != PAGED) {
		EXPECT_EQ(EINVAL, try_mmap(self->fd, SIZE, PROT_READ,
					   MAP_PRIVATE, 0, NULL));
		EXPECT_EQ(EINVAL, try_mmap(self->fd, SIZE,
					   PROT_READ | PROT_WRITE, MAP_PRIVATE,
					   0, NULL));
		return;
	}
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ, MAP_PRIVATE, 0,
			      &copy));
	EXPECT_EQ(SIZE, unstamped(copy, 0, SIZE, 1));
	ASSERT_EQ(0, mprotect(copy, SIZE, PROT_READ | PROT_WRITE));
	stamp(copy, SIZE, 2);
	EXPECT_EQ(SIZE, unstamped(copy, 0, SIZE, 2));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	munmap(copy, SIZE);
}

/* ids: MP-3 */
TEST_F(semantics, map_fixed)
{
	u8 *place = reserve(SIZE, PROT_READ | PROT_WRITE);
	size_t half = SIZE / 2;

	stamp(place, SIZE, 3);
	ASSERT_EQ(place + page,
		  mmap(place + page, half, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, self->fd, page));
	EXPECT_EQ((size_t)page, unstamped(place, 0, page, 3));
	EXPECT_EQ(half, unstamped(place + page, page, half, 1));
	EXPECT_EQ(half - page,
		  unstamped(place + page + half, page + half, half - page, 3));

	/* Over the same mapping, at another offset. */
	ASSERT_EQ(place, mmap(place, half, PROT_READ, MAP_SHARED | MAP_FIXED,
			      self->fd, half));
	EXPECT_EQ(half, unstamped(place, half, half, 1));
	EXPECT_EQ(MAP_FAILED, mmap(place, half, PROT_READ,
				   MAP_SHARED | MAP_FIXED_NOREPLACE, self->fd,
				   0));
	EXPECT_EQ(EEXIST, errno);
	munmap(place, SIZE);
}

/* A free hint is used even if no huge page fits there. */
/* ids: LK-27 */
TEST_F(semantics, map_hint)
{
	const size_t size = SIZE, align = size < PMD ? PAGE : PMD;
	u8 *place = reserve(SIZE + HUGE, PROT_NONE), *other = NULL;
	u8 *hole = place + page;

	ASSERT_EQ(0, munmap(hole, SIZE));
	ASSERT_EQ(hole, mmap(hole, SIZE, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(SIZE, unstamped(hole, 0, SIZE, 1));
	/* A hint that is in use is ignored. */
	other = mmap(hole, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_NE(hole, other);
	EXPECT_EQ(0, (uintptr_t)other % align);
	munmap(other, SIZE);
	munmap(place, SIZE + HUGE);
}

/* When mmap_prepare refuses, the old mapping is already gone: a hole. */
/* ids: MP-3 */
TEST_F(semantics, map_fixed_refused)
{
	u8 *place = reserve(SIZE, PROT_READ | PROT_WRITE);
	int fd = open(self->r.node, O_RDONLY);

	/* mm core refuses this one before it touches anything. */
	stamp(place, SIZE, 3);
	EXPECT_EQ(MAP_FAILED, mmap(place, SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIZE, unstamped(place, 0, SIZE, 3));
	close(fd);

	EXPECT_EQ(MAP_FAILED, mmap(place, SIZE, PROT_READ,
				   MAP_SHARED | MAP_FIXED, self->fd, page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, count_mappings(place, SIZE));
	EXPECT_EQ(SIGSEGV, touch_read(place));

	/* The same with a mapping of this region. */
	EXPECT_EQ(MAP_FAILED, mmap(self->map + page, page, PROT_EXEC,
				   MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(SIGSEGV, touch_read(self->map + page));
	EXPECT_EQ((size_t)page, unstamped(self->map, 0, page, 1));
	EXPECT_EQ(SIZE - 2 * page, unstamped(self->map + 2 * page, 2 * page,
					     SIZE - 2 * page, 1));
}

/* mm core does not populate page frames; eager is their MAP_POPULATE. */
TEST_F(semantics, map_populate)
{
	bool filled = self->class != FRAMES || variant->eager;
	u8 *map = NULL;

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_POPULATE, 0, &map));
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, true));
	munmap(map, SIZE);
}

/* ids: PA-53 */
TEST_F(semantics, map_growsdown)
{
	EXPECT_EQ(EINVAL, try_mmap(self->fd, SIZE, PROT_READ,
				   MAP_SHARED | MAP_GROWSDOWN, 0, NULL));
	EXPECT_EQ(EINVAL, try_mmap(self->fd, SIZE, PROT_READ,
				   MAP_PRIVATE | MAP_GROWSDOWN, 0, NULL));
}

/* Locked is only what mm core could take away: on others a success, no flag. */
TEST_F(semantics, map_locked)
{
	bool filled = self->class != FRAMES || variant->eager;
	u8 *map = NULL;

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_LOCKED, 0, &map));
	EXPECT_EQ(self->class == PAGED, has_flag(map, "lo"));
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, true));
	munmap(map, SIZE);
}

/* ids: ME-28 */
TEST_F(semantics, mlock)
{
	bool paged = self->class == PAGED;
	bool filled = self->class != FRAMES || variant->eager;
	u8 *map = NULL;

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &map));
	ASSERT_EQ(0, mlock(map, SIZE));
	EXPECT_EQ(paged, has_flag(map, "lo"));
	EXPECT_EQ(paged, smaps_field(map, "Locked") > 0);
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, true));
	ASSERT_EQ(0, munlock(map, SIZE));
	EXPECT_FALSE(has_flag(map, "lo"));
	munmap(map, SIZE);

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &map));
	ASSERT_EQ(0, mlock2(map, SIZE, MLOCK_ONFAULT));
	EXPECT_EQ(paged, has_flag(map, "lo"));
	EXPECT_EQ(paged, has_flag(map, "lf"));
	/* Without the flag, nothing keeps mm core from filling it at once. */
	filled = self->class == RAM || variant->eager;
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, true));
	munmap(map, SIZE);

	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	EXPECT_EQ(paged, has_flag(self->map, "lo"));
	ASSERT_EQ(0, munlockall());
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
}

static int query(const void *addr, struct procmap_query *q)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	int err;

	*q = (struct procmap_query) {
		.size = sizeof(*q),
		.query_addr = (uintptr_t)addr,
	};
	err = errno_of(ioctl(fd, PROCMAP_QUERY, q));
	close(fd);
	return err;
}

/* A mapping with a vm_ops of its own that mm core must not extend stays alone. */
/* ids: MP-9 MP-10 */
TEST_F(semantics, merge)
{
	u8 *place = reserve(SIZE, PROT_NONE);
	struct procmap_query q;
	size_t half = SIZE / 2;
	struct stat st;

	ASSERT_EQ(place, mmap(place, half, PROT_READ, MAP_SHARED | MAP_FIXED,
			      self->fd, 0));
	ASSERT_EQ(place + half, mmap(place + half, half, PROT_READ,
				     MAP_SHARED | MAP_FIXED, self->fd, half));
	ASSERT_EQ(0, query(place + half - 1, &q));
	EXPECT_EQ((uintptr_t)place, q.vma_start);
	EXPECT_EQ((uintptr_t)place + (self->class == PAGED ? SIZE : half),
		  q.vma_end);
	EXPECT_EQ(PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_SHARED,
		  q.vma_flags);
	EXPECT_EQ(0, q.vma_offset);
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(st.st_ino, q.inode);
	EXPECT_EQ(SIZE, unstamped(place, 0, SIZE, 1));

	/* What was split by mprotect() merges, or not, the same way. */
	ASSERT_EQ(0, mprotect(place, page, PROT_NONE));
	ASSERT_EQ(0, mprotect(place, page, PROT_READ));
	ASSERT_EQ(0, query(place, &q));
	EXPECT_EQ((uintptr_t)place + (self->class == PAGED ? SIZE : page),
		  q.vma_end);
	munmap(place, SIZE);
}

/* Growing asks no driver: inside of the region it works, past it is SIGBUS. */
/* ids: ME-28 */
TEST_F(semantics, mremap_grow)
{
	size_t half = SIZE / 2;
	u8 *map = NULL, *grown;

	ASSERT_EQ(0, try_mmap(self->fd, half, PROT_READ, MAP_SHARED, 0, &map));
	grown = remap(map, half, SIZE + page, MREMAP_MAYMOVE, NULL);
	if (self->class != PAGED) {
		EXPECT_EQ(MAP_FAILED, grown);
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(half, unstamped(map, 0, half, 1));
		munmap(map, half);
		return;
	}
	ASSERT_NE(MAP_FAILED, grown);
	EXPECT_EQ(SIZE, unstamped(grown, 0, SIZE, 1));
	EXPECT_EQ(SIGBUS, touch_read(grown + SIZE));
	munmap(grown, SIZE + page);
}

TEST_F(semantics, mremap_shrink)
{
	size_t rest = SIZE / 2 - page;

	ASSERT_EQ(self->map, remap(self->map, SIZE, rest, 0, NULL));
	EXPECT_EQ(rest, unstamped(self->map, 0, rest, 1));
	EXPECT_EQ(SIGSEGV, touch_read(self->map + rest));
}

/* The page tables move along: no fault where there was none before. */
/* ids: PA-43 */
TEST_F(semantics, mremap_move)
{
	u8 *place = reserve(SIZE, PROT_NONE);
	u8 *moved = remap(self->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  place);

	ASSERT_EQ(place, moved);
	EXPECT_EQ(0, faults_of(moved, SIZE, false));
	EXPECT_EQ(SIZE, unstamped(moved, 0, SIZE, 1));
	EXPECT_EQ(SIGSEGV, touch_read(self->map));

	/* Part of it, to where no huge page fits; the revoke finds both. */
	ASSERT_EQ(self->map + page,
		  remap(moved, SIZE / 2, SIZE / 2,
			MREMAP_MAYMOVE | MREMAP_FIXED, self->map + page));
	EXPECT_EQ(SIZE / 2, unstamped(self->map + page, 0, SIZE / 2, 1));
	EXPECT_EQ(SIZE / 2, unstamped(moved + SIZE / 2, SIZE / 2, SIZE / 2, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map + page));
	EXPECT_EQ(SIGBUS, touch_read(moved + SIZE / 2));
	munmap(moved, SIZE);
}

/* mm core moves several at once only if it knows how their file finds an address. */
TEST_F(semantics, mremap_several)
{
	u8 *place = reserve(SIZE, PROT_NONE);

	ASSERT_EQ(0, mprotect(self->map, page, PROT_READ));
	EXPECT_EQ(no_huge_pages() ? place : MAP_FAILED,
		  remap(self->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			place));
	if (no_huge_pages())
		return;
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	/* One by one they can be moved. */
	EXPECT_EQ(place, remap(self->map, page, page,
			       MREMAP_MAYMOVE | MREMAP_FIXED, place));
	EXPECT_EQ(place + page, remap(self->map + page, SIZE - page,
				      SIZE - page,
				      MREMAP_MAYMOVE | MREMAP_FIXED,
				      place + page));
	EXPECT_EQ(SIZE, unstamped(place, 0, SIZE, 1));
	munmap(place, SIZE);
}

/* Small entries and those of a PMD; a gigabyte in one piece: contig and pci. */
TEST_F(semantics, mremap_revoked)
{
	move_and_revoke(_metadata, &self->r, self->fd, SIZE);
}

TEST_F(semantics, mremap_duplicate)
{
	u8 *twin = remap(self->map, 0, SIZE, MREMAP_MAYMOVE, NULL);

	if (self->class != PAGED) {
		EXPECT_EQ(MAP_FAILED, twin);
		EXPECT_EQ(EFAULT, errno);
		return;
	}
	ASSERT_NE(MAP_FAILED, twin);
	EXPECT_EQ(SIZE, unstamped(twin, 0, SIZE, 1));
	stamp(twin, SIZE, 4);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 4));
	munmap(twin, SIZE);
}

/* ids: ME-28 */
TEST_F(semantics, mremap_dontunmap)
{
	u8 *twin = remap(self->map, SIZE, SIZE,
			 MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	if (self->class != PAGED) {
		EXPECT_EQ(MAP_FAILED, twin);
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
		return;
	}
	ASSERT_NE(MAP_FAILED, twin);
	EXPECT_EQ(SIZE, unstamped(twin, 0, SIZE, 1));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	munmap(twin, SIZE);
}

static long all_faults(const struct region *r)
{
	return region_stat(r, "fault") + region_stat(r, "huge_fault");
}

/* A hole zaps a huge entry of page frames, whose rest is faulted in again, once. */
/* ids: LK-62 ME-1 */
TEST_F(semantics, munmap_part)
{
	bool zapped = self->class == FRAMES && !variant->eager &&
		      frames_are_huge(variant->type, SIZE);
	long faults = all_faults(&self->r);
	size_t hole = HUGE + page;

	ASSERT_EQ(0, munmap(self->map + hole, page));
	EXPECT_EQ(SIGSEGV, touch_read(self->map + hole));
	EXPECT_EQ(2, count_mappings(self->map, SIZE));
	EXPECT_EQ(hole, unstamped(self->map, 0, hole, 1));
	EXPECT_EQ(SIZE - hole - page,
		  unstamped(self->map + hole + page, hole + page,
			    SIZE - hole - page, 1));
	if (self->class != PAGED)
		EXPECT_EQ(2 * zapped, all_faults(&self->r) - faults);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(SIGBUS, touch_read(self->map + hole + page));
}

TEST_F(semantics, mprotect)
{
	u8 *part = self->map + HUGE - page;
	size_t size = 2 * page;

	ASSERT_EQ(0, mprotect(part, size, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch_read(part));
	EXPECT_EQ(SIGSEGV, touch_read(part + page));
	EXPECT_EQ(0, touch_read(part - 1));
	EXPECT_EQ(0, touch_read(part + size));
	ASSERT_EQ(0, mprotect(part, size, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(part));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	ASSERT_EQ(0, mprotect(part, size, PROT_READ | PROT_WRITE));
	stamp(self->map, SIZE, 5);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 5));
	EXPECT_EQ(EACCES, errno_of(mprotect(part, size,
					    PROT_READ | PROT_EXEC)));

	/* The whole, with the page tables as they are. */
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 5));
	EXPECT_EQ(SIGSEGV, touch_write(self->map));
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ | PROT_WRITE));
	stamp(self->map, SIZE, 6);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 6));
}

/* mseal does not prevent a revoke. */
TEST_F(semantics, mseal)
{
	ASSERT_EQ(0, syscall(__NR_mseal, self->map, SIZE, 0));
	EXPECT_TRUE(has_flag(self->map, "sl"));
	EXPECT_EQ(EPERM, errno_of(munmap(self->map, page)));
	EXPECT_EQ(EPERM, errno_of(mprotect(self->map, page, PROT_READ)));
	EXPECT_EQ(MAP_FAILED, remap(self->map, SIZE, page, 0, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, mmap(self->map, page, PROT_READ,
				   MAP_SHARED | MAP_FIXED, self->fd, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(self->class == FRAMES ? EINVAL : 0,
		  errno_of(madvise(self->map, SIZE, MADV_DONTNEED)));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
}

/* Page tables that only a driver can fill are copied, others fault again. */
/* ids: ME-28 */
TEST_F(semantics, fork)
{
	pid_t pid;

	pid = fork();
	if (!pid) {
		u8 *warm = reserve(HUGE, PROT_READ | PROT_WRITE);

		faults_of(warm, HUGE, true);
		faults_of(warm, HUGE, false);
		_exit(faults_of(self->map, SIZE, true) ? 1 : 0);
	}
	EXPECT_EQ(self->class == PAGED, ended(pid));

	pid = fork();
	if (!pid) {
		size_t bad = unstamped(self->map, 0, SIZE, 1);

		stamp(self->map, SIZE, 7);
		_exit(bad != SIZE);
	}
	EXPECT_EQ(0, ended(pid));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 7));
}

/* A mapping in another process is revoked as well. */
/* ids: ME-34 */
TEST_F(semantics, fork_revoked)
{
	int to[2], from[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	pid = fork();
	if (!pid) {
		bool good = unstamped(self->map, 0, SIZE, 1) == SIZE;

		write(from[1], "x", 1);
		read(to[0], &byte, 1);
		_exit(good && touch_read(self->map) == SIGBUS ? 0 : 1);
	}
	ASSERT_EQ(1, read(from[0], &byte, 1));
	EXPECT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(1, write(to[1], "x", 1));
	EXPECT_EQ(0, ended(pid));
}

/* The number of faults for 64 MiB, for each map mode. */
/* ids: LK-27 NM-30 */
TEST_F(semantics, faults)
{
	struct mapdev_info info = { .size = sizeof(info) };
	size_t size = 64UL << 20, each = AROUND;
	struct region r;
	char attrs[96];
	long faults;
	u8 *map = NULL;
	int fd;

	snprintf(attrs, sizeof(attrs), "size=64M %s", variant->attrs);
	ASSERT_EQ(0, region_create(&r, attrs));
	fd = open(r.node, O_RDWR);
	ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	if (self->class == PAGED)
		each = info.granule;
	if (self->class == FRAMES && frames_are_huge(variant->type, size))
		each = HUGE_AROUND;
	ASSERT_EQ(0, try_mmap(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	EXPECT_EQ(0, (uintptr_t)map % (size >= PMD ? PMD : (size_t)page));
	faults_of(map, 0, true);
	faults = faults_of(map, size, true);
	EXPECT_TRUE(are_visits(faults, variant->eager ? 0 : size, each));
	EXPECT_EQ(0, faults_of(map, size, true));
	munmap(map, size);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

TEST_HARNESS_MAIN
