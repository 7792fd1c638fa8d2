// SPDX-License-Identifier: GPL-2.0
/*
 * System sleep with windows that are mapped. Run by scripts/test/guest-ram only: what
 * is on 9p over virtio does not come back.
 */
#include "bus.h"
#include "module.h"
#include "test.h"

#define SIZE (16UL << 20)

/* Into D3 and out of it, by a test that the kernel has for that. */
static int sleep_and_wake(void)
{
	return write_file("/sys/module/suspend/parameters/pm_test_delay", "0") ?:
	       write_file("/sys/power/pm_test", "platform") ?:
	       write_file("/sys/power/state", "freeze") ?:
	       write_file("/sys/power/pm_test", "none");
}

TEST(suspend)
{
	struct pci_device dev;
	struct region r;
	u8 *map;
	int fd;

	ASSERT_EQ(0, module_load("mapdev_pci", ""));
	ASSERT_EQ(0, pci_find(&dev, IVSHMEM, 2, SIZE));
	ASSERT_EQ(0, pci_bind(&dev, "mapdev_pci"));
	pci_region(&dev, 2, &r);
	fd = open(r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	fill(map, 0, SIZE, 1);

	for (int round = 1; round <= 3; round++) {
		ASSERT_EQ(0, sleep_and_wake());
		EXPECT_EQ(round, region_stat(&r, "revoke"));
		EXPECT_EQ(round, region_stat(&r, "restore"));
		EXPECT_EQ(SIZE, differs(map, 0, SIZE, 1));
	}

	/* A region revoked by root stays revoked across suspend. */
	ASSERT_EQ(0, region_revoke(&r, 1));
	ASSERT_EQ(0, sleep_and_wake());
	EXPECT_EQ(SIGBUS, touch_read(map));
	ASSERT_EQ(0, region_revoke(&r, 0));
	EXPECT_EQ(SIZE, differs(map, 0, SIZE, 1));

	munmap(map, SIZE);
	close(fd);
	EXPECT_EQ(0, pci_unbind(&dev));
	EXPECT_EQ(0, module_unload("mapdev_pci"));
}

TEST_HARNESS_MAIN
