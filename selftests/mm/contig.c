// SPDX-License-Identifier: GPL-2.0
/* Contiguous memory: where it lies, how large it may be, how it is mapped. */
#include <sys/sysinfo.h>

#include "moving.h"
#include "tracking.h"

#define GIGABYTE 1073741824UL

static u64 phys_of(const struct region *r)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), CLASS "/%s/phys_addr", r->name);
	return strtoull(read_line(path, line, sizeof(line)), NULL, 0);
}

FIXTURE(contig) {
	struct region r;
	u8 *map;
	u64 phys;
	int fd;
};

FIXTURE_VARIANT(contig) {
	size_t size;
	const char *attrs;
};

#define CONTIG(_name, _size, _attrs)					\
	FIXTURE_VARIANT_ADD(contig, _name) { .size = _size, .attrs = _attrs };

CONTIG(page, 65536, "")
CONTIG(odd, 3 * 65536, "")
CONTIG(three_megabytes, 3UL << 20, "")
CONTIG(three_megabytes_eager, 3UL << 20, "map=eager")
CONTIG(three_megabytes_pin, 3UL << 20, "pin=1")
CONTIG(below_4G, 8UL << 20, "dma32=1")
CONTIG(node_0, 8UL << 20, "numa_node=0")

FIXTURE_SETUP(contig)
{
	char attrs[96];

	snprintf(attrs, sizeof(attrs), "backing=contig size=%zu %s",
		 variant->size, variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->phys = phys_of(&self->r);
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, variant->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(contig)
{
	munmap(self->map, variant->size);
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
}

/*
 * One run of page frames, at the address that root is told. mm core does not show
 * those of VM_PFNMAP mappings; there, the KUnit case huge_page_frames looks.
 */
TEST_F(contig, memory_is_contiguous)
{
	struct mapdev_info info = { .size = sizeof(info) };
	bool shown = strstr(variant->attrs, "pin=1");
	size_t count = variant->size / PAGE;
	u64 *entries = calloc(count, sizeof(*entries));

	ASSERT_NE(0, self->phys);
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(self->phys, info.phys_addr);
	for (size_t i = 0; i < count; i++)
		load_byte(self->map + i * PAGE);
	pagemap_read(self->map, count, entries);
	for (size_t i = 0; i < count; i++)
		ASSERT_EQ(shown ? self->phys / PAGE + i : 0,
			  pagemap_pfn(entries[i]));
	free(entries);
}

TEST_F(contig, placement_is_honoured)
{
	bool dma32 = strstr(variant->attrs, "dma32");

	EXPECT_EQ(0, self->phys % (variant->size < PMD ? PAGE : PMD));
	EXPECT_LE(self->phys + variant->size, 1ULL << (dma32 ? 32 : 52));
}

TEST_F(contig, memory_is_zeroed)
{
	EXPECT_TRUE(all_zero(self->map, variant->size));
}

/* Page frames are faulted in by PMDs where these fit. */
/* ids: ME-19 */
TEST_F(contig, fault_count)
{
	size_t rest = variant->size % PMD, huge = variant->size - rest;

	for (size_t i = 0; i < variant->size; i += sysconf(_SC_PAGESIZE))
		load_byte(self->map + i);
	if (strstr(variant->attrs, "eager")) {
		huge = 0;
		rest = 0;
	} else if (strstr(variant->attrs, "pin=1")) {
		huge = 0;
		rest = variant->size;
	}
	EXPECT_TRUE(are_visits(region_stat(&self->r, "huge_fault"), huge,
			       HUGE_AROUND));
	EXPECT_TRUE(are_visits(region_stat(&self->r, "fault"), rest, AROUND));
}

/* The physical address needs CAP_SYS_RAWIO. */
TEST_F(contig, phys_addr_needs_root)
{
	struct mapdev_info info = { .size = sizeof(info) };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setuid(1000))
			_exit(1);
		if (ioctl(self->fd, MAPDEV_IOC_INFO, &info) || info.phys_addr)
			_exit(2);
		_exit(phys_of(&self->r) ? 3 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Hundreds of megabytes in one piece, as a frame grabber would have them. */
TEST(hundreds_of_megabytes)
{
	unsigned long size = PMD == 512UL << 20 ? PMD : 300UL << 20;
	struct region r;
	char attrs[96];

	for (size_t i = 0; i < 2; i++) {
		snprintf(attrs, sizeof(attrs), "backing=contig size=%lu pin=%zu",
			 size, i);
		ASSERT_EQ(0, region_create(&r, attrs));
		if (size >= PMD)
			EXPECT_EQ(0, phys_of(&r) % PMD);
		EXPECT_EQ(0, region_destroy(&r));
	}
}

/*
 * A gigabyte that is aligned as such is in PMDs all the same: mm core takes an entry
 * that maps all of it for a table, when the mapping is split and when it is moved.
 */
TEST(gigabyte)
{
	struct region r;
	u8 *room, *map;
	int fd;

	ASSERT_EQ(0, region_create(&r, "backing=contig size=1G"));
	if (!no_huge_pages())
		EXPECT_EQ(0, phys_of(&r) % PMD);
	fd = open(r.node, O_RDWR);
	room = mmap(NULL, 2 * GIGABYTE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	map = (u8 *)(((unsigned long)room + GIGABYTE - 1) & -GIGABYTE);
	ASSERT_EQ(map, mmap(map, GIGABYTE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, fd, 0));
	for (size_t i = 0; i < GIGABYTE; i += AROUND)
		store_byte(map + i, 1);
	if (no_huge_pages()) {
		EXPECT_EQ(GIGABYTE / AROUND, region_stat(&r, "fault"));
	} else {
		EXPECT_EQ(GIGABYTE / HUGE_AROUND, region_stat(&r, "huge_fault"));
		EXPECT_EQ(0, region_stat(&r, "fault"));
	}

	/* If mm core took the memory for a page table, these bytes would be one. */
	memset(map, 0xff, PAGE);
	map[0] = 1;
	ASSERT_EQ(0, munmap(map + GIGABYTE / 2, PAGE));
	EXPECT_EQ(1, load_byte(map));
	EXPECT_EQ(1, load_byte(map + GIGABYTE - AROUND));
	EXPECT_EQ(SIGSEGV, touch_read(map + GIGABYTE / 2));
	munmap(room, 2 * GIGABYTE);
	move_and_revoke(_metadata, &r, fd, GIGABYTE);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

/* The buddy allocator returns powers of two; the excess is freed. */
TEST(trimmed_pages_are_freed)
{
	struct sysinfo before, after;
	struct region r;

	ASSERT_EQ(0, sysinfo(&before));
	for (int i = 0; i < 128; i++) {
		ASSERT_EQ(0, region_create(&r, "backing=contig size=2052K"));
		ASSERT_EQ(0, region_destroy(&r));
	}
	ASSERT_EQ(0, sysinfo(&after));
	/* 2044K each would be 255 MiB. */
	EXPECT_LT(before.freeram, after.freeram + (128UL << 20));
}

/* More than the largest free block: ENOMEM, and later allocations work. */
TEST(too_large_is_refused)
{
	struct region r;

	EXPECT_EQ(-ENOMEM, region_create(&r, "backing=contig dma32=1 size=3G"));
	EXPECT_EQ(0, region_create(&r, "backing=contig size=4M"));
	EXPECT_EQ(0, region_destroy(&r));
}

TEST_HARNESS_MAIN
