// SPDX-License-Identifier: GPL-2.0
/* mmap of a paged region, with each granule: data, errors, VMAs, faults. */
#include "test.h"

#define SIZE (8UL << 20)
#define HUGE (2UL << 20)	/* the largest granule here */

/* mincore(2): how many pages of a range are in the page cache. */
static size_t resident(u8 *addr, size_t size)
{
	unsigned char vec[SIZE / 4096];
	size_t sum = 0;

	if (mincore(addr, size, vec))
		return -1;
	for (size_t i = 0; i < size / page; i++)
		sum += vec[i] & 1;
	return sum;
}

FIXTURE(map) {
	struct region r;
	u8 *map;
	size_t granule;
	int fd;
};

FIXTURE_VARIANT(map) {
	const char *granule;
};

FIXTURE_VARIANT_ADD(map, page) { .granule = "" };
FIXTURE_VARIANT_ADD(map, granule_64K) { .granule = " granule=64K" };
FIXTURE_VARIANT_ADD(map, granule_2M) { .granule = " granule=2M" };

FIXTURE_SETUP(map)
{
	struct mapdev_info info = { .size = sizeof(info) };
	char attrs[96];

	if (*variant->granule)
		snprintf(attrs, sizeof(attrs), "size=%lu%s", SIZE,
			 variant->granule);
	else
		snprintf(attrs, sizeof(attrs), "size=%lu granule=%lu", SIZE,
			 page);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	self->granule = info.granule;
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(map)
{
	munmap(self->map, SIZE);
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
}

/* As a mapping of an ordinary file. */
/* ids: NM-9 */
TEST_F(map, zeroed_and_shared)
{
	u8 *other;
	int status;
	pid_t pid;

	dirty_free_memory();
	EXPECT_TRUE(all_zero(self->map, SIZE));
	pid = fork();
	if (!pid) {
		fill(self->map, 0, SIZE, 1);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 1));

	other = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(SIZE, differs(other, 0, SIZE, 1));
	munmap(other, SIZE);
}

/* A mapping at an offset shows the bytes of that offset. */
/* ids: LK-42 LK-55 */
TEST_F(map, offsets)
{
	u8 *other;

	fill(self->map, 0, SIZE, 2);
	for (size_t offset = page; offset < SIZE; offset = offset * 2 + page) {
		other = mmap(NULL, page, PROT_READ, MAP_SHARED, self->fd,
			     offset);
		ASSERT_NE(MAP_FAILED, other);
		EXPECT_EQ((size_t)page, differs(other, offset, page, 2));
		munmap(other, page);
	}
}

/* One touch allocates one granule, and maps all its pages. */
/* ids: LK-55 */
TEST_F(map, faults_by_granule)
{
	size_t granules = SIZE / self->granule;
	long counted = region_stat(&self->r, self->granule == PMD ?
				   "huge_fault" : "fault");
	long faults = minor_faults();

	for (size_t i = 0; i < SIZE; i += page)
		self->map[i] = 1;
	faults = minor_faults() - faults;
	EXPECT_EQ((long)granules, faults);
	EXPECT_EQ((long)granules, region_stat(&self->r, self->granule == PMD ?
					      "huge_fault" : "fault") - counted);
	EXPECT_EQ(0, region_stat(&self->r, "fallback"));
}

/* Faults of a write to each page of a new mapping of what is there. */
static long faults_of_writes(u8 *addr, int fd, size_t offset, size_t size)
{
	u8 *map = mmap(addr, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, offset);
	long faults = minor_faults();

	if (map == MAP_FAILED)
		return -1;
	for (size_t i = 0; i < size; i += page)
		store_byte(map + i, 2);
	faults = minor_faults() - faults;
	munmap(map, size);
	return faults;
}

/* The pages that one fault of a write maps, at least. */
#define WRITE_AROUND	((long)(page > 65536 ? page : 65536))

TEST_F(map, write_maps_around_where_granule_does_not_fit)
{
	u8 *space = mmap(NULL, SIZE + 2 * HUGE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;
	long faults;

	ASSERT_NE(MAP_FAILED, space);
	at = (u8 *)(((uintptr_t)space + HUGE - 1) & ~(HUGE - 1));
	fill(self->map, 0, SIZE, 1);
	faults = faults_of_writes(at + page, self->fd, 0, SIZE);
	EXPECT_LT(0, faults);
	EXPECT_GE((long)SIZE / WRITE_AROUND + 1, faults);
	/* One more for the last folio: Documentation/testing/upstream.rst. */
	for (size_t offset = 0; offset < SIZE; offset += HUGE / 2) {
		faults = faults_of_writes(at, self->fd, offset, HUGE / 2);
		EXPECT_LT(0, faults);
		EXPECT_GE((long)HUGE / 2 / WRITE_AROUND + 1, faults);
	}
	munmap(space, SIZE + 2 * HUGE);
}

/* What a reader's advice has split is mapped by one fault for many pages still. */
TEST_F(map, write_maps_around_in_split_granule)
{
	long faults;

	fill(self->map, 0, SIZE, 1);
	for (size_t i = 0; i < SIZE; i += HUGE)
		madvise(self->map + i + page, page, MADV_COLD);
	faults = faults_of_writes(self->map, self->fd, 0, SIZE);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	EXPECT_LT(0, faults);
	EXPECT_GE((long)SIZE / WRITE_AROUND, faults);
}

/* The sum of one field of smaps, in bytes, over a range. */
static size_t smaps_sum(const void *start, size_t size, const char *field)
{
	unsigned long first, last, from = (unsigned long)start, kilobytes;
	FILE *file = fopen("/proc/self/smaps", "r");
	bool inside = false;
	size_t sum = 0;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			inside = last > from && first < from + size;
		else if (inside && !strncmp(line, field, strlen(field)) &&
			 sscanf(line + strlen(field), ": %lu", &kilobytes) == 1)
			sum += kilobytes << 10;
	}
	fclose(file);
	return sum;
}

/* The granule is explicit: the THP setting does not matter. */
/* ids: LK-27 */
TEST_F(map, huge_with_any_thp_setting)
{
	static const char enabled[] =
		"/sys/kernel/mm/transparent_hugepage/enabled";
	const char * const settings[] = { "always", "never", "madvise" };
	size_t huge = self->granule == PMD ? SIZE : 0;

	if (no_huge_pages())
		SKIP(return, "there is no THP to set");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		ASSERT_EQ(0, write_file(enabled, settings[i]));
		ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
		for (size_t at = 0; at < SIZE; at += page)
			store_byte(self->map + at, i);
		EXPECT_EQ(huge, smaps_sum(self->map, SIZE, "FilePmdMapped")) {
			TH_LOG("THP set to %s", settings[i]);
		}
		EXPECT_EQ(0, (unsigned long)self->map % (huge ? PMD : page));
	}
}

/* Split by mprotect of one page, and by a hole: no data is lost. */
/* ids: LK-62 */
TEST_F(map, huge_splits)
{
	fill(self->map, 0, SIZE, 9);
	ASSERT_EQ(0, mprotect(self->map + HUGE + page, page, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch_write(self->map + HUGE + page));
	EXPECT_EQ(0, madvise(self->map + 2 * HUGE + page, page, MADV_DONTNEED));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 9));
	ASSERT_EQ(0, mprotect(self->map + HUGE + page, page,
			      PROT_READ | PROT_WRITE));
	fill(self->map, 0, SIZE, 10);
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 10));
}

/*
 * Have a child write to one byte, in a memory cgroup that has no room for a large
 * granule. Return how often it hit the limit, or -1.
 */
static int limit_hits(u8 *byte, size_t limit)
{
	static const char group[] = "/sys/fs/cgroup/mapdev-small";
	char path[96], text[32], line[32];
	int status, hits = -1;
	FILE *events;
	pid_t child;

	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(group, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/memory.max", group);
	snprintf(text, sizeof(text), "%zu", limit);
	write_file(path, text);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	child = fork();
	if (!child) {
		snprintf(text, sizeof(text), "%d", getpid());
		if (write_file(path, text))
			_exit(1);
		store_byte(byte, 42);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		status = -1;
	snprintf(path, sizeof(path), "%s/memory.events", group);
	events = fopen(path, "r");
	while (events && fgets(line, sizeof(line), events))
		sscanf(line, "max %d", &hits);
	if (events)
		fclose(events);
	return rmdir(group) || status ? -1 : hits;
}

/* No memory for a whole granule: a page, after one try, which is counted. */
/* ids: LK-57 */
TEST_F(map, huge_falls_back_to_pages)
{
	bool too_large = self->granule > 64 * (size_t)page;

	EXPECT_EQ(too_large, limit_hits(self->map + page,
					self->granule / 2 + 32 * page) > 0);
	EXPECT_EQ(42, load_byte(self->map + page));
	EXPECT_EQ(too_large, region_stat(&self->r, "fallback"));
}

/* No memory is tried that the neighbours of a hole leave no room for. */
TEST_F(map, hole_takes_one_page)
{
	fill(self->map, 0, SIZE, 1);
	ASSERT_EQ(0, region_discard(self->fd, 17 * page, page));
	EXPECT_EQ(0, limit_hits(self->map + 17 * page,
				self->granule / 2 + 32 * page));
	EXPECT_EQ(42, load_byte(self->map + 17 * page));
	EXPECT_EQ(17 * (size_t)page, differs(self->map, 0, 17 * page, 1));
}

/* Writes of the file are seen until the page is copied, which makes it anonymous. */
/* ids: PA-26 NM-4 NM-5 */
TEST_F(map, private_is_copy_on_write)
{
	u8 *copy, byte;

	fill(self->map, 0, SIZE, 3);
	copy = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		    0);
	ASSERT_NE(MAP_FAILED, copy);
	EXPECT_EQ(SIZE, differs(copy, 0, SIZE, 3));
	EXPECT_EQ(0, smaps_sum(copy, SIZE, "Anonymous"));
	ASSERT_EQ(1, pwrite(self->fd, "", 1, SIZE - 1));
	EXPECT_EQ(0, load_byte(copy + SIZE - 1));
	fill(self->map, 0, SIZE, 3);
	fill(copy, 0, SIZE, 4);
	EXPECT_EQ(SIZE, smaps_sum(copy, SIZE, "Anonymous"));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 3));
	ASSERT_EQ(1, pwrite(self->fd, "", 1, SIZE - 1));
	EXPECT_EQ(pattern(SIZE - 1, 4), load_byte(copy + SIZE - 1));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, 5));
	EXPECT_EQ(pattern(5, 3), byte);

	/* A write without a read before it copies, too. */
	ASSERT_EQ(0, madvise(copy, SIZE, MADV_DONTNEED));
	copy[page] = 77;
	EXPECT_EQ(pattern(page, 3), self->map[page]);
	EXPECT_EQ(pattern(page + 1, 3), copy[page + 1]);
	munmap(copy, SIZE);
}

TEST_F(map, mmap_past_end_is_refused)
{
	const struct {
		off_t offset;
		size_t size;
	} cases[] = {
		{ 0, SIZE + page },
		{ page, SIZE },
		{ SIZE, page },
		{ SIZE + page, page },
		{ 1LL << 46, page },
		{ INT64_MAX & -page, page },
		{ -page, page },
	};
	long prepared = region_stat(&self->r, "mapped");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = try_mmap(self->fd, cases[i].size, PROT_READ,
				   MAP_SHARED, cases[i].offset, NULL);

		/* mm core itself refuses an overflow. */
		EXPECT_TRUE(err == EINVAL || (i >= 5 && err == EOVERFLOW)) {
			TH_LOG("case %zu: %s", i, strerror(err));
		}
	}
	EXPECT_EQ(prepared, region_stat(&self->r, "mapped"));
	EXPECT_EQ(0, try_mmap(self->fd, page, PROT_READ, MAP_SHARED,
			      SIZE - page, NULL));
}

/* ids: MP-29 */
TEST_F(map, read_only_file)
{
	int fd = open(self->r.node, O_RDONLY);
	u8 *map = NULL;

	fill(self->map, 0, page, 5);
	EXPECT_EQ(EACCES, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				   0, NULL));
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	EXPECT_EQ((size_t)page, differs(map, 0, page, 5));
	EXPECT_EQ(SIGSEGV, touch_write(map));
	EXPECT_EQ(-1, mprotect(map, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(map, SIZE);
	close(fd);

	fd = open(self->r.node, O_WRONLY);
	EXPECT_EQ(EACCES, try_mmap(fd, SIZE, PROT_WRITE, MAP_SHARED, 0, NULL));
	close(fd);
}

/* ids: MP-29 */
TEST_F(map, no_exec)
{
	EXPECT_EQ(EPERM, try_mmap(self->fd, SIZE, PROT_READ | PROT_EXEC,
				  MAP_SHARED, 0, NULL));
	EXPECT_EQ(EPERM, try_mmap(self->fd, SIZE, PROT_READ | PROT_EXEC,
				  MAP_PRIVATE, 0, NULL));
	EXPECT_EQ(-1, mprotect(self->map, SIZE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

/* An ordinary mapping: no flag that makes mm core treat it as a device's. */
TEST_F(map, vm_flags)
{
	const char * const unwanted[] = { " io", " pf", " mm", " de", " me",
					  " dd", " dc" };
	char flags[256];

	vm_flags(self->map, flags, sizeof(flags));
	EXPECT_NE(NULL, strstr(flags, " sh"));
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++) {
		EXPECT_EQ(NULL, strstr(flags, unwanted[i])) {
			TH_LOG("VmFlags: %s", flags);
		}
	}
}

/* Adjacent mappings become one, and mm core calls mapped for one only. */
/* ids: MP-1 MP-4 MP-9 */
TEST_F(map, merges)
{
	size_t half = SIZE / 2;
	u8 *place = mmap(NULL, SIZE, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long prepare = region_stat(&self->r, "prepare");
	long mapped = region_stat(&self->r, "mapped");

	ASSERT_EQ(place, mmap(place, half, PROT_READ, MAP_SHARED | MAP_FIXED,
			      self->fd, 0));
	ASSERT_EQ(place + half, mmap(place + half, half, PROT_READ,
				     MAP_SHARED | MAP_FIXED, self->fd, half));
	EXPECT_EQ(1, count_mappings(place, SIZE));
	EXPECT_EQ(2, region_stat(&self->r, "prepare") - prepare);
	EXPECT_EQ(1, region_stat(&self->r, "mapped") - mapped);
	munmap(place, SIZE);
}

/* mremap(2) does not ask the driver: past the end is SIGBUS. */
/* ids: LK-57 */
TEST_F(map, mremap_past_end_raises_sigbus)
{
	u8 *map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->fd, SIZE - page);

	ASSERT_NE(MAP_FAILED, map);
	map = mremap(map, page, 2 * page, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, touch_write(map));
	EXPECT_EQ(SIGBUS, touch_read(map + page));
	EXPECT_EQ(SIGBUS, touch_write(map + page));
	munmap(map, 2 * page);
}

TEST_F(map, moved)
{
	u8 *map;

	fill(self->map, 0, SIZE, 6);
	map = mremap(self->map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		     NULL);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(SIZE, differs(map, 0, SIZE, 6));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 6));
	munmap(map, SIZE);
}

TEST_F(map, partly_unmapped)
{
	size_t third = self->granule + page;

	fill(self->map, 0, SIZE, 7);
	ASSERT_EQ(0, munmap(self->map + third, page));
	EXPECT_EQ(SIGSEGV, touch_read(self->map + third));
	EXPECT_EQ(third, differs(self->map, 0, third, 7));
	EXPECT_EQ(SIZE - third - page,
		  differs(self->map + third + page, third + page,
			  SIZE - third - page, 7));
}

TEST_F(map, populate)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, self->fd, 0);
	long faults;

	ASSERT_NE(MAP_FAILED, map);
	faults = minor_faults();
	for (size_t i = 0; i < SIZE; i += page)
		load_byte(map + i);
	EXPECT_EQ(0, minor_faults() - faults);
	EXPECT_EQ(SIZE / page, resident(map, SIZE));
	munmap(map, SIZE);
}

/* No path reclaims the pages: they are the only copy of the data. */
TEST_F(map, pages_are_not_reclaimed)
{
	fill(self->map, 0, SIZE, 8);
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_PAGEOUT));
	ASSERT_EQ(0, madvise(self->map, SIZE, MADV_DONTNEED));
	ASSERT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	ASSERT_EQ(0, write_file("/proc/sys/vm/drop_caches", "3"));
	EXPECT_EQ(SIZE / page, resident(self->map, SIZE));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 8));
}

/* A mapping keeps the file after close. */
/* ids: PA-21 */
TEST_F(map, close_keeps_mapping)
{
	int fd = open(self->r.node, O_RDWR);
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	map[SIZE - 1] = 9;
	EXPECT_EQ(9, self->map[SIZE - 1]);
	munmap(map, SIZE);
}

/* Memory is charged to the cgroup of the process that touches it first. */
TEST_F(map, charged_to_memcg)
{
	static const char group[] = "/sys/fs/cgroup/mapdev-test";
	char path[96], pid[16], line[64];
	long before, after;
	int status;
	pid_t child;

	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	ASSERT_EQ(0, mkdir(group, 0755));
	snprintf(path, sizeof(path), "%s/memory.current", group);
	before = atol(read_line(path, line, sizeof(line)));
	child = fork();
	if (!child) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", group);
		snprintf(pid, sizeof(pid), "%d", getpid());
		if (write_file(path, pid))
			_exit(1);
		memset(self->map, 1, SIZE);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	after = atol(read_line(path, line, sizeof(line)));
	EXPECT_GE(after - before, (long)SIZE);
	EXPECT_EQ(0, rmdir(group));
}

TEST_HARNESS_MAIN
