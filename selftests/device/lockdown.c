// SPDX-License-Identifier: GPL-2.0
/*
 * What a locked down kernel still lets root do. Run by scripts/test/guest-ram only:
 * nothing unlocks it again.
 */
#include "bus.h"
#include "module.h"
#include "test.h"

TEST(lockdown)
{
	struct region bar, phys, ram;
	struct pci_device dev;
	u8 *map;
	int fd;

	if (access("/sys/kernel/security/lockdown", W_OK))
		SKIP(return, "the kernel cannot be locked down");
	ASSERT_EQ(0, module_load("mapdev_pci", ""));
	ASSERT_EQ(0, pci_find(&dev, IVSHMEM, 2, PAGE));
	ASSERT_EQ(0, pci_bind(&dev, "mapdev_pci"));
	pci_region(&dev, 2, &bar);
	ASSERT_EQ(0, region_create(&phys, "backing=window size=4K"));
	ASSERT_EQ(0, region_create(&ram, "size=4K"));
	fd = open(bar.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));

	ASSERT_EQ(0, write_file("/sys/kernel/security/lockdown", "integrity"));
	EXPECT_EQ(-1, open(bar.node, O_RDONLY));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, open(phys.node, O_RDONLY));
	EXPECT_EQ(EPERM, errno);
	EXPECT_LE(0, open(ram.node, O_RDWR));
	/* A mapping made before the lockdown keeps working, as with /dev/mem. */
	EXPECT_EQ(0, touch_write(map));

	EXPECT_EQ(0, region_destroy(&phys));
	EXPECT_EQ(-EPERM, region_create(&phys, "backing=window size=4K"));
	EXPECT_EQ(0, region_destroy(&ram));
	munmap(map, PAGE);
	close(fd);
	EXPECT_EQ(0, pci_unbind(&dev));
	EXPECT_EQ(0, module_unload("mapdev_pci"));
}

TEST_HARNESS_MAIN
