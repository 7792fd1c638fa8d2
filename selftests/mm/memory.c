// SPDX-License-Identifier: GPL-2.0
/*
 * What the rest of the kernel's memory management does to each backing and map
 * mode: accounting, write tracking, NUMA policy, splice.
 */
#include <linux/mempolicy.h>
#include <sys/syscall.h>

#include "semantics.h"
#include "tracking.h"

/* Memory without a struct page that mm core may look at is not in the Rss. */
/* ids: MP-28 MP-36 ME-14 */
TEST_F(semantics, smaps)
{
	static const char * const flags[][3] = {
		{ "", "", "" }, { "mm", "de", "" }, { "pf", "io", "dd" },
	};
	static const char * const all[] = { "io", "pf", "mm", "de", "dd", "dc",
					    "me", "ex", "lo", "ac" };

	EXPECT_EQ(self->class == FRAMES ? 0 : SIZE / 1024,
		  smaps_field(self->map, "Rss"));
	EXPECT_EQ(0, smaps_field(self->map, "Anonymous"));
	EXPECT_EQ(0, smaps_field(self->map, "Swap"));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		bool wanted = self->class == FRAMES && !strcmp(all[i], "de");

		for (size_t j = 0; j < ARRAY_SIZE(flags[0]); j++)
			wanted |= !strcmp(all[i], flags[self->class][j]);
		EXPECT_EQ(wanted, has_flag(self->map, all[i])) {
			TH_LOG("VmFlags: %s", all[i]);
		}
	}
}

/* All pages of @mask that a scan finds, and what else it says of the first. */
static long scan(u8 *map, size_t size, u64 mask, u64 flags, u64 *categories)
{
	struct page_region regions[64];
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = flags,
		.start = (uintptr_t)map,
		.end = (uintptr_t)map + size,
		.vec = (uintptr_t)regions,
		.vec_len = ARRAY_SIZE(regions),
		.category_mask = mask,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_FILE | PAGE_IS_HUGE |
			       PAGE_IS_WPALLOWED | PAGE_IS_WRITTEN,
	};
	int fd = open("/proc/self/pagemap", O_RDONLY);
	long pages = 0, n;

	n = ioctl(fd, PAGEMAP_SCAN, &arg);
	close(fd);
	if (n < 0)
		return -errno;
	for (long i = 0; i < n; i++)
		pages += (regions[i].end - regions[i].start) / page;
	*categories = n ? regions[0].categories : 0;
	return pages;
}

static bool by_pmd(const char *attrs)
{
	return !strcmp(attrs, "backing=paged granule=2M") && PMD == HUGE;
}

/* Neither PAGEMAP_SCAN nor /proc/PID/pagemap shows page frames. */
TEST_F(semantics, pagemap_scan)
{
	bool seen = self->class != FRAMES;
	u64 got;

	EXPECT_EQ(seen ? SIZE / page : 0,
		  scan(self->map, SIZE, PAGE_IS_PRESENT, 0, &got));
	/* Without write tracking, 7.2 reports every page as written. */
	EXPECT_EQ(!seen ? 0 : PAGE_IS_PRESENT | PAGE_IS_FILE |
		  (by_pmd(variant->attrs) ? PAGE_IS_HUGE : 0) |
		  (on_linux_7_2() ? PAGE_IS_WRITTEN : 0), got);
	EXPECT_EQ(seen, !!pfn_of(self->map));
}

/* Faults cannot be handed to a program: only the marks of written pages. */
/* ids: PA-24 */
TEST_F(semantics, userfaultfd)
{
	int fd = uffd_open(0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(EINVAL, uffd_register(fd, self->map, SIZE,
					UFFDIO_REGISTER_MODE_MISSING));
	EXPECT_EQ(EINVAL, uffd_register(fd, self->map, SIZE,
					UFFDIO_REGISTER_MODE_MINOR));
	EXPECT_EQ(EINVAL, uffd_register(fd, self->map, SIZE,
					UFFDIO_REGISTER_MODE_WP));
	close(fd);
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
}

TEST_F(semantics, write_tracking)
{
	const size_t half = SIZE / page / 2;
	const size_t written[] = { 0, 3, half - 1, half, half + 1, 2 * half - 2 };
	const u64 flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC;
	int fd = uffd_open(UFFD_FEATURE_WP_ASYNC |
			   UFFD_FEATURE_WP_UNPOPULATED);
	u64 got;

	ASSERT_LE(0, fd);
	if (self->class != PAGED) {
		EXPECT_EQ(EINVAL, uffd_register(fd, self->map, SIZE,
						UFFDIO_REGISTER_MODE_WP));
		EXPECT_EQ(-EPERM, scan(self->map, SIZE, PAGE_IS_WRITTEN, flags,
				       &got));
		close(fd);
		return;
	}
	/* Mapped as it is, by whatever entries. */
	ASSERT_EQ(0, uffd_register(fd, self->map, SIZE,
				   UFFDIO_REGISTER_MODE_WP));
	EXPECT_EQ(SIZE / page, scan(self->map, SIZE, PAGE_IS_WRITTEN, flags,
				    &got));
	EXPECT_EQ(0, scan(self->map, SIZE, PAGE_IS_WRITTEN, flags, &got));
	for (size_t i = 0; i < ARRAY_SIZE(written); i++)
		store_byte(self->map + written[i] * page + page - 1, 1);
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		EXPECT_EQ(1, scan(self->map + written[i] * page, page,
				  PAGE_IS_WRITTEN, 0, &got)) {
			TH_LOG("page %zu is lost", written[i]);
		}
	}
	/* The first write below a huge entry unmaps all of that. */
	EXPECT_EQ(by_pmd(variant->attrs) ? SIZE / page : ARRAY_SIZE(written),
		  scan(self->map, SIZE, PAGE_IS_WRITTEN, flags, &got));

	/* Pages unmapped by a revoke count as written. */
	store_byte(self->map + page, 1);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	store_byte(self->map + 5 * page, 1);
	EXPECT_LE(2, scan(self->map, SIZE, PAGE_IS_WRITTEN, flags, &got));
	store_byte(self->map + 7 * page, 1);
	EXPECT_EQ(by_pmd(variant->attrs) ? HUGE / page : 1,
		  scan(self->map, SIZE, PAGE_IS_WRITTEN, flags, &got));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
	close(fd);
}

static int node_of(void *addr)
{
	int node = -1;

	syscall(__NR_move_pages, 0, 1, &addr, NULL, &node, 0);
	return node;
}

/* A policy can be set anywhere and counts where a touch allocates: on paged. */
/* ids: PA-24 */
TEST_F(semantics, numa_policy)
{
	unsigned long node0 = 1, none = 1UL << 63;
	int mode = -1;

	EXPECT_EQ(0, errno_of(syscall(__NR_mbind, self->map, SIZE, MPOL_BIND,
				      &node0, 64, 0)));
	EXPECT_EQ(0, syscall(__NR_get_mempolicy, &mode, NULL, 0, self->map,
			     MPOL_F_ADDR));
	EXPECT_EQ(MPOL_BIND, mode);
	EXPECT_EQ(self->class == FRAMES ? -ENOENT : 0, node_of(self->map));
	EXPECT_EQ(0, errno_of(syscall(__NR_mbind, self->map, SIZE, MPOL_BIND,
				      &node0, 64,
				      MPOL_MF_STRICT | MPOL_MF_MOVE)));
	EXPECT_EQ(EINVAL, errno_of(syscall(__NR_mbind, self->map, SIZE,
					   MPOL_BIND, &none, 64, 0)));
	EXPECT_EQ(SIZE, unstamped(self->map, 0, SIZE, 1));
}

/* numa_node overrides the policy. */
TEST(numa_node)
{
	struct region r;
	u8 *map = NULL;
	int fd;

	ASSERT_EQ(0, region_create(&r, "size=64K numa_node=0"));
	fd = open(r.node, O_RDWR);
	ASSERT_EQ(0, try_mmap(fd, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	store_byte(map, 1);
	EXPECT_EQ(0, node_of(map));
	munmap(map, 65536);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

/* What is in a pipe is a copy: later stores are not seen, pages not kept. */
TEST_F(semantics, splice)
{
	size_t size = 16 * page;
	u8 *copy = malloc(size);
	loff_t offset = 0;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(size, splice(self->fd, &offset, fds[1], NULL, size, 0));
	stamp(self->map, SIZE, 2);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(size, read(fds[0], copy, size));
	EXPECT_EQ(size, unstamped(copy, 0, size, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));

	stamp(copy, size, 3);
	offset = 0;
	ASSERT_EQ(size, write(fds[1], copy, size));
	ASSERT_EQ(size, splice(fds[0], NULL, self->fd, &offset, size, 0));
	EXPECT_EQ(size, unstamped(self->map, 0, size, 3));
	EXPECT_EQ(SIZE - size, unstamped(self->map + size, size, SIZE - size,
					 2));
	close(fds[0]);
	close(fds[1]);
	free(copy);
}

TEST_HARNESS_MAIN
