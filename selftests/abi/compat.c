// SPDX-License-Identifier: GPL-2.0
/*
 * A program of 32 bits on a kernel of 64: each ioctl, each backing, and offsets past
 * 4 GiB. The program is compat/compat32.c; what it does is looked at from here, too.
 */
#include "module.h"
#include "test.h"

#define SIZE (4UL << 20)

/* Run a case of it on a region; its exit status. What it prints is in @answer. */
static int run32(char *name, struct region *r, void *answer, size_t size)
{
	FILE *output;
	pid_t pid = start_program((char *[]) { "compat.32", name, r->node, NULL },
				  &output);
	int status;

	if (pid < 0)
		return -1;
	if (fread(answer, 1, size, output) != size)
		memset(answer, 0xff, size);
	status = end_program(pid, output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

FIXTURE(compat) {
	struct region r;
	int fd;
};

FIXTURE_EACH_BACKING(compat)

FIXTURE_SETUP(compat)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	for (size_t at = 0; at < SIZE; at += 4096) {
		u8 byte = at / 4096;

		ASSERT_EQ(1, pwrite(self->fd, &byte, 1, at));
	}
}

FIXTURE_TEARDOWN(compat)
{
	close(self->fd);
	EXPECT_EQ(0, region_destroy(&self->r));
}

/* The structure is the same, and so is each field of it. */
/* ids: LK-18 */
TEST_F(compat, info)
{
	struct mapdev_info here = { .size = sizeof(here) }, there;

	ASSERT_EQ(0, run32("info", &self->r, &there, sizeof(there)));
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &here));
	EXPECT_EQ(0, memcmp(&here, &there, sizeof(here)));
	EXPECT_EQ(SIZE, there.length);
	if (variant->type == MAPDEV_WINDOW)
		EXPECT_LE(1ULL << 32, there.phys_addr);
}

TEST_F(compat, map)
{
	u8 byte;

	ASSERT_EQ(0, run32("map", &self->r, NULL, 0));
	for (size_t at = 4096; at < SIZE; at += 4096) {
		ASSERT_EQ(1, pread(self->fd, &byte, 1, at));
		EXPECT_EQ((u8)(at / 4096 + 1), byte);
	}
}

/* ids: LK-18 */
TEST_F(compat, revoke)
{
	EXPECT_EQ(0, run32("revoke", &self->r, NULL, 0));
	EXPECT_EQ(1, region_stat(&self->r, "revoke"));
	EXPECT_EQ(1, region_stat(&self->r, "restore"));
}

/* What can have huge entries has them, in as few faults as elsewhere. */
TEST_F(compat, huge)
{
	bool frames = maps_frames(variant->type, variant->attrs) &&
		      !variant->eager && frames_are_huge(variant->type, SIZE);
	bool huge = !no_huge_pages() &&
		    (frames || strstr(variant->attrs, "granule=2M"));

	EXPECT_EQ(0, run32("huge", &self->r, NULL, 0));
	EXPECT_EQ(huge, region_stat(&self->r, "huge_fault") > 0);
}

/* --- Past 4 GiB --- */

FIXTURE(far) {
	struct region r;
};

FIXTURE_SETUP(far)
{
	ASSERT_EQ(0, module_unload("mapdev"));
	ASSERT_EQ(0, module_load("mapdev", "max_bytes=5368709120"));
	ASSERT_EQ(0, region_create(&self->r, "size=5G dirty=1 granule=PAGE"));
}

FIXTURE_TEARDOWN(far)
{
	EXPECT_EQ(0, region_destroy(&self->r));
	/*
	 * Free the small folios that are in batches for the LRU lists: the kernel
	 * reports memory that a module leaves behind.
	 */
	EXPECT_EQ(0, write_file("/proc/sys/vm/drop_caches", "1"));
	EXPECT_EQ(0, module_unload("mapdev"));
	/* As scripts/test/guest has it. */
	EXPECT_EQ(0, module_load("mapdev", "allow_phys=1"));
}

/* mmap2(2) has an offset in pages, and read(2) one of 64 bits. */
TEST_F(far, mmap2)
{
	EXPECT_EQ(0, run32("past_4g", &self->r, NULL, 0));
}

/* ids: LK-18 */
TEST_F(far, dirty)
{
	EXPECT_EQ(0, run32("dirty", &self->r, NULL, 0));
}

/* ids: LK-18 */
TEST_F(far, discard)
{
	EXPECT_EQ(0, run32("discard", &self->r, NULL, 0));
	EXPECT_EQ(1, region_stat(&self->r, "discard"));
}

/* ids: LK-18 */
TEST_F(far, resize)
{
	char path[128], line[32];

	EXPECT_EQ(0, run32("resize", &self->r, NULL, 0));
	snprintf(path, sizeof(path), CLASS "/%s/size", self->r.name);
	EXPECT_STREQ("4294971392", read_line(path, line, sizeof(line)));
}

TEST_HARNESS_MAIN
