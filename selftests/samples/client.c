// SPDX-License-Identifier: GPL-2.0
/* The sample "client": a driver that exports its pages to mapdev. */
#include "module.h"
#include "sample.h"
#include "test.h"

#define SIZE (16 * PAGE)
#define PARAMETERS "/sys/module/client/parameters/"

FIXTURE(client) {
	u8 *map;
	int fd;
};

FIXTURE_SETUP(client)
{
	ASSERT_EQ(0, load_sample("client", ""));
	self->fd = open("/dev/mapdev/client", O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, RW, MAP_SHARED, 0, &self->map));
}

FIXTURE_TEARDOWN(client)
{
	munmap(self->map, SIZE);
	close(self->fd);
	/* One case has already unloaded it. */
	unload_sample("client");
	EXPECT_NE(0, access("/dev/mapdev/client", F_OK));
}

/* Programs see what the driver writes, and the reverse. */
TEST_F(client, memory_is_shared)
{
	struct mapdev_info info = { .size = sizeof(info) };
	__u32 word;

	EXPECT_TRUE(all_zero(self->map, SIZE));
	ASSERT_EQ(0, write_file(PARAMETERS "tick", "1"));
	for (size_t at = 0; at < SIZE; at += PAGE)
		EXPECT_EQ(1, load_word(self->map + at));

	store_byte(self->map + PAGE, 41);
	ASSERT_EQ(0, write_file(PARAMETERS "tick", "1"));
	EXPECT_EQ(4, pread(self->fd, &word, 4, PAGE));
	EXPECT_EQ(42, word);

	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_PAGES, info.backing);
	EXPECT_EQ(SIZE, info.length);
}

/* A revoke by the owner and one by root are independent. */
TEST_F(client, owner_and_root_revoke)
{
	struct region r = { .name = "client" };

	store_byte(self->map, 7);
	ASSERT_EQ(0, write_file(PARAMETERS "stop", "1"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(-EALREADY, write_file(PARAMETERS "stop", "1"));
	ASSERT_EQ(0, region_revoke(&r, 1));
	ASSERT_EQ(0, write_file(PARAMETERS "stop", "0"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(-EALREADY, write_file(PARAMETERS "stop", "0"));
	ASSERT_EQ(0, region_revoke(&r, 0));
	EXPECT_EQ(7, load_byte(self->map));
}

/* An open file holds mapdev, but not the driver that exports the memory. */
TEST_F(client, driver_unloads_while_open)
{
	struct mapdev_info info = { .size = sizeof(info) };
	u8 byte;

	store_byte(self->map, 7);
	EXPECT_EQ(EAGAIN, module_unload("mapdev"));
	ASSERT_EQ(0, unload_sample("client"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_RETIRED, info.state);
	EXPECT_EQ(EAGAIN, module_unload("mapdev"));

	/* The next one is another region. */
	ASSERT_EQ(0, load_sample("client", ""));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
}

/* If the name is in use, loading fails and leaves nothing. */
TEST_F(client, name_is_taken)
{
	ASSERT_EQ(0, unload_sample("client"));
	ASSERT_EQ(0, mkdir(CONFIGFS "/client", 0755));
	ASSERT_EQ(0, write_file(CONFIGFS "/client/size", "64K"));
	ASSERT_EQ(0, write_file(CONFIGFS "/client/live", "1"));
	EXPECT_EQ(EBUSY, load_sample("client", ""));
	ASSERT_EQ(0, rmdir(CONFIGFS "/client"));
	EXPECT_EQ(0, load_sample("client", ""));
}

TEST_HARNESS_MAIN
