// SPDX-License-Identifier: GPL-2.0
/*
 * What each madvise(2) does to each backing and map mode, and the core dump
 * that two of them decide about.
 */
#include "semantics.h"
#include "tracking.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* The errno of each advice, in the order of enum class. None loses data. */
static const struct advice {
	const char *name;
	int advice;
	int err[3];
} advices[] = {
#define ADVICE(name, ...) { #name, MADV_##name, { __VA_ARGS__ } }
	ADVICE(NORMAL, 0, 0, 0),
	ADVICE(RANDOM, 0, 0, 0),
	ADVICE(SEQUENTIAL, 0, 0, 0),
	ADVICE(WILLNEED, 0, 0, 0),
	ADVICE(DONTNEED, 0, 0, EINVAL),
	ADVICE(DONTNEED_LOCKED, 0, 0, EINVAL),
	ADVICE(FREE, EINVAL, EINVAL, EINVAL),
	ADVICE(REMOVE, ENODEV, ENODEV, ENODEV),
	ADVICE(DONTFORK, 0, 0, 0),
	ADVICE(DOFORK, 0, EINVAL, EINVAL),
	ADVICE(WIPEONFORK, EINVAL, EINVAL, EINVAL),
	ADVICE(KEEPONFORK, 0, 0, 0),
	ADVICE(MERGEABLE, 0, 0, 0),
	ADVICE(UNMERGEABLE, 0, 0, 0),
	ADVICE(HUGEPAGE, 0, 0, 0),
	ADVICE(NOHUGEPAGE, 0, 0, 0),
	ADVICE(COLLAPSE, EINVAL, EINVAL, EINVAL),
	ADVICE(DONTDUMP, 0, 0, 0),
	ADVICE(DODUMP, 0, EINVAL, EINVAL),
	ADVICE(COLD, 0, 0, EINVAL),
	ADVICE(PAGEOUT, 0, 0, EINVAL),
	ADVICE(POPULATE_READ, 0, 0, EINVAL),
	ADVICE(POPULATE_WRITE, 0, 0, EINVAL),
};

static int expected(const struct advice *a, int class)
{
	return is_no_advice(a->advice) ? EINVAL : a->err[class];
}

/* ids: ME-28 */
TEST_F(semantics, errno_and_contents)
{
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		const struct advice *a = &advices[i];

		EXPECT_EQ(expected(a, self->class),
			  errno_of(madvise(self->map, SIZE, a->advice))) {
			TH_LOG("MADV_%s", a->name);
		}
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1)) {
			TH_LOG("MADV_%s", a->name);
		}
		stamp(self->map, SIZE, 1);
	}
	/* KSM ignores shared mappings. */
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_MERGEABLE));
	EXPECT_FALSE(has_flag(self->map, "mg"));
}

/* The same for a page in the middle, which splits the mapping and huge entries. */
TEST_F(semantics, one_page)
{
	u8 *middle = self->map + HUGE / 2 + page;

	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		const struct advice *a = &advices[i];

		EXPECT_EQ(expected(a, self->class),
			  errno_of(madvise(middle, page, a->advice))) {
			TH_LOG("MADV_%s", a->name);
		}
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1)) {
			TH_LOG("MADV_%s", a->name);
		}
		stamp(self->map, SIZE, 1);
	}
}

/* Entries are dropped and faulted in again, in eager mappings, too. */
TEST_F(semantics, dontneed)
{
	int err = self->class == FRAMES ? EINVAL : 0;

	EXPECT_EQ(err, errno_of(madvise(self->map, SIZE, MADV_DONTNEED)));
	EXPECT_EQ(!err, !!faults_of(self->map, SIZE, true));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));

	/* Only what mm core can reclaim is locked: others are never locked. */
	ASSERT_EQ(0, mlock(self->map, SIZE));
	EXPECT_EQ(self->class == RAM ? 0 : EINVAL,
		  errno_of(madvise(self->map, SIZE, MADV_DONTNEED)));
	EXPECT_EQ(self->class == RAM, !!faults_of(self->map, SIZE, true));
	EXPECT_EQ(err, errno_of(madvise(self->map, SIZE,
					MADV_DONTNEED_LOCKED)));
	EXPECT_EQ(!err, !!faults_of(self->map, SIZE, true));
	EXPECT_EQ(self->class == RAM ? 0 : EINVAL,
		  errno_of(madvise(self->map, SIZE, MADV_PAGEOUT)));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	ASSERT_EQ(0, munlock(self->map, SIZE));
}

TEST_F(semantics, populate)
{
	bool filled = self->class != FRAMES || variant->eager;
	int err = self->class == FRAMES ? EINVAL : 0;
	u8 *map = NULL;

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &map));
	EXPECT_EQ(err, errno_of(madvise(map, SIZE, MADV_POPULATE_READ)));
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, false));
	munmap(map, SIZE);

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &map));
	EXPECT_EQ(err, errno_of(madvise(map, SIZE, MADV_POPULATE_WRITE)));
	EXPECT_EQ(!filled, !!faults_of(map, SIZE, true));
	munmap(map, SIZE);

	/* The errno for callers that cannot handle SIGBUS. */
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(err ?: EFAULT,
		  errno_of(madvise(self->map, SIZE, MADV_POPULATE_READ)));
}

/* Huge entries and their faults, after @advice on a new mapping. */
static long faults_after(int fd, int advice, long *huge)
{
	u8 *map = NULL;
	long faults;

	try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &map);
	if (!map || madvise(map, SIZE, advice))
		return -1;
	faults = faults_of(map, SIZE, true);
	*huge = smaps_field(map, "FilePmdMapped") * 1024;
	munmap(map, SIZE);
	return faults;
}

/* No huge entry where none is wanted: it only costs page frames faults. */
/* ids: LK-59 */
TEST_F(semantics, hugepage)
{
	struct mapdev_info info = { .size = sizeof(info) };
	size_t each = AROUND, each_huge = AROUND;
	long huge = 0, faults;

	if (no_huge_pages())
		SKIP(return, "no huge pages on this kernel");
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	if (self->class == PAGED)
		each = info.granule;
	if (self->class == PAGED)
		each_huge = each == PMD ? HUGE_AROUND : each;
	else if (self->class == FRAMES &&
		 frames_are_huge(variant->type, SIZE))
		each_huge = HUGE_AROUND;
	faults = faults_after(self->fd, MADV_NOHUGEPAGE, &huge);
	EXPECT_TRUE(are_visits(faults, variant->eager ? 0 : SIZE, each));
	EXPECT_EQ(0, huge);
	faults = faults_after(self->fd, MADV_HUGEPAGE, &huge);
	EXPECT_TRUE(are_visits(faults, variant->eager ? 0 : SIZE, each_huge));
	EXPECT_EQ(self->class == PAGED && each == PMD ? SIZE : 0, huge);
}

TEST_F(semantics, dontfork)
{
	pid_t pid;

	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTFORK));
	pid = fork();
	if (!pid)
		_exit(touch_read(self->map) == SIGSEGV ? 0 : 1);
	EXPECT_EQ(0, ended(pid));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));

	/* Irreversible on all but paged. */
	EXPECT_EQ(self->class == PAGED ? 0 : EINVAL,
		  errno_of(madvise(self->map, SIZE, MADV_DOFORK)));
	pid = fork();
	if (!pid)
		_exit(touch_read(self->map));
	EXPECT_EQ(self->class == PAGED ? 0 : SIGSEGV, ended(pid));
}

TEST_F(semantics, guard)
{
	u8 *middle = self->map + HUGE;

	if (self->class != PAGED) {
		EXPECT_EQ(EINVAL, errno_of(madvise(middle, page,
						   MADV_GUARD_INSTALL)));
		EXPECT_EQ(EINVAL, errno_of(madvise(middle, page,
						   MADV_GUARD_REMOVE)));
		EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
		return;
	}
	ASSERT_EQ(0, madvise(middle, page, MADV_GUARD_INSTALL));
	EXPECT_EQ(SIGSEGV, touch_read(middle));
	EXPECT_EQ(SIGSEGV, touch_write(middle + page - 1));
	EXPECT_EQ(HUGE, unstamped(self->map, 0, HUGE, 1));
	EXPECT_EQ(SIZE - HUGE - page,
		  unstamped(middle + page, HUGE + page, SIZE - HUGE - page,
			    1));

	/* A guard belongs to the program: revoke and restore keep it. */
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(SIGSEGV, touch_read(middle));
	ASSERT_EQ(0, madvise(middle, page, MADV_GUARD_REMOVE));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
}

/* Is the page at @addr part of a large folio? -1 if unknown. */
static int in_large_folio(const u8 *addr)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	u64 flags;
	ssize_t ret = pread(fd, &flags, sizeof(flags), pfn_of(addr) * 8);

	close(fd);
	/* KPF_COMPOUND_HEAD, KPF_COMPOUND_TAIL */
	return ret == sizeof(flags) ? !!(flags & (3 << 15)) : -1;
}

FIXTURE_LIKE(cached, semantics)
BACKING_VARIANT(paged, "backing=paged", MAPDEV_PAGED, false, cached)
BACKING_VARIANT(paged_2M, "backing=paged granule=2M", MAPDEV_PAGED, false, cached)

/*
 * Nothing is reclaimed; but a folio of which a part is meant is split, unless
 * another process maps it, too. To have opened the region for reading is enough.
 */
TEST_F(cached, splits)
{
	const int advices[] = { MADV_COLD, MADV_PAGEOUT };
	struct mapdev_info info = { .size = sizeof(info) };
	int fd = open(self->r.node, O_RDONLY);
	u8 *map;

	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	if (info.granule == page)
		SKIP(return, "a granule is one page");
	ASSERT_EQ(0, munmap(self->map, SIZE));
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	/* In the first granule and the last. */
	u8 *parts[] = { map + page, map + SIZE - page };

	for (int i = 0; i < 2; i++) {
		load_byte(parts[i]);
		ASSERT_EQ(1, in_large_folio(parts[i]));
		ASSERT_EQ(0, madvise(parts[i], page, advices[i]));
		load_byte(parts[i]);
		EXPECT_EQ(0, in_large_folio(parts[i]));
	}
	EXPECT_EQ(SIZE, unstamped(map, 0, SIZE, 1));
	munmap(map, SIZE);
	close(fd);
}

#define CORE "/tmp/mapdev-core"
#define PATTERN "/proc/sys/kernel/core_pattern"
/* So that nothing else in a core looks like a stamped page. */
#define SEED 0x6d61706465760000ULL

/* Abort with this filter: how many pages of a stamped region are in the core. */
static long dumped(const char *filter)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	u8 *buf = reserve(page, PROT_READ | PROT_WRITE);
	int fd, status = 0;
	long count = 0;
	pid_t pid;

	unlink(CORE);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &unlimited);
		write_file("/proc/self/coredump_filter", filter);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || !WCOREDUMP(status))
		return -1;

	/* Segments begin at a page of the file. */
	fd = open(CORE, O_RDONLY);
	if (fd < 0)
		return -1;
	while (read(fd, buf, page) == page) {
		size_t offset = count * page;

		count += *stamp_at(buf - offset, offset) == offset + SEED;
	}
	close(fd);
	unlink(CORE);
	return count;
}

/* RAM follows the filter, as any file does; page frames are never dumped. */
/* ids: ME-28 */
TEST_F(semantics, core_dump)
{
	long whole = self->class == FRAMES ? 0 : SIZE / page;
	char pattern[256];

	stamp(self->map, SIZE, SEED);
	read_line(PATTERN, pattern, sizeof(pattern));
	ASSERT_EQ(0, write_file(PATTERN, CORE));

	/* The default leaves shared mappings of files out. */
	EXPECT_EQ(0, dumped("0x33"));
	EXPECT_EQ(whole, dumped("0x3b"));
	EXPECT_EQ(0, madvise(self->map, SIZE, MADV_DONTDUMP));
	EXPECT_EQ(0, dumped("0x3b"));

	EXPECT_EQ(0, write_file(PATTERN, pattern));
}

/* A revoked region is a hole in the core dump, which does not wait for a restore. */
TEST_F(semantics, core_dump_revoked)
{
	char pattern[256];

	stamp(self->map, SIZE, SEED);
	read_line(PATTERN, pattern, sizeof(pattern));
	ASSERT_EQ(0, write_file(PATTERN, CORE));
	EXPECT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(0, dumped("0x3b"));
	EXPECT_EQ(0, write_file(PATTERN, pattern));
}

TEST_HARNESS_MAIN
