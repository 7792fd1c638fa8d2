// SPDX-License-Identifier: GPL-2.0
/* A write fault maps its neighbours, too, unless writes are tracked. */
#include "test.h"
#include "tracking.h"

#define SIZE	(4UL << 20)
#define WINDOW	65536UL
#define TABLE	(2UL << 20)

FIXTURE(watched) {
	struct region r;
	u8 *map, *table;
	int fd, uffd;
};

FIXTURE_VARIANT(watched) {
	bool soft_dirty;
	bool userfaultfd;
};

FIXTURE_VARIANT_ADD(watched, nobody) {};
FIXTURE_VARIANT_ADD(watched, soft_dirty) { .soft_dirty = true };
FIXTURE_VARIANT_ADD(watched, userfaultfd) { .userfaultfd = true };

/* All of it is there; there is a page table, and one page in it, when it begins. */
FIXTURE_SETUP(watched)
{
	char attrs[64];
	u8 *all;

	self->uffd = -1;
	snprintf(attrs, sizeof(attrs), "size=%lu granule=PAGE", SIZE);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_WRITE, MAP_SHARED, 0, &all));
	memset(all, 1, SIZE);
	munmap(all, SIZE);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      0, &self->map));
	self->table = self->map + (-(uintptr_t)self->map & (TABLE - 1));
	store_byte(self->table, 2);

	if (variant->soft_dirty)
		ASSERT_EQ(0, write_file("/proc/self/clear_refs", "4"));
	if (!variant->userfaultfd)
		return;
	self->uffd = uffd_open(UFFD_FEATURE_WP_ASYNC);
	ASSERT_LE(0, self->uffd);
	ASSERT_EQ(0, uffd_register(self->uffd, self->map, SIZE,
				   UFFDIO_REGISTER_MODE_WP));
}

FIXTURE_TEARDOWN(watched)
{
	if (self->uffd >= 0)
		close(self->uffd);
	munmap(self->map, SIZE);
	close(self->fd);
	region_destroy(&self->r);
}

/* Not all architectures have such bits. */
static bool soft_dirty_works(void)
{
	u8 *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool works;

	store_byte(map, 1);
	works = pagemap_of(map) & PAGEMAP_SOFT_DIRTY;
	munmap(map, PAGE);
	return works;
}

TEST_F(watched, write_maps_neighbours)
{
	u8 *window = self->table + 4 * WINDOW;
	size_t page = PAGE;
	u8 *written = window + WINDOW - page;
	bool alone = page >= WINDOW || variant->userfaultfd ||
		     (variant->soft_dirty && soft_dirty_works());

	store_byte(written, 2);
	EXPECT_TRUE(pagemap_of(written) & PAGEMAP_PRESENT);
	for (u8 *at = window; at < window + WINDOW; at += page)
		EXPECT_EQ(at == written || !alone,
			  !!(pagemap_of(at) & PAGEMAP_PRESENT));
	EXPECT_FALSE(pagemap_of(window - page) & PAGEMAP_PRESENT);
	EXPECT_FALSE(pagemap_of(window + WINDOW) & PAGEMAP_PRESENT);
}

TEST_HARNESS_MAIN
