// SPDX-License-Identifier: GPL-2.0
/*
 * Errors of a device that mapdev_pci drives: what the kernel does of them, by the
 * steps of selftests/modules/recovery.c, and what else happens meanwhile.
 */
#include "bus.h"
#include "module.h"
#include "test.h"

#define SHARED_SIZE (16UL << 20)
#define DRIVER "mapdev_pci"

/* In the configuration space. */
#define COMMAND 4
#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4

FIXTURE(recovery) {
	struct pci_device dev;
	struct region r;
	u8 *map;
	int fd;
};

static int get_command(const struct pci_device *dev)
{
	char path[160];
	__u16 command;
	int fd, ret;

	fd = open(pci_path(dev, "config", path, sizeof(path)), O_RDONLY);
	ret = pread(fd, &command, sizeof(command), COMMAND);
	close(fd);
	return ret == sizeof(command) ? command : -1;
}

static int set_command(const struct pci_device *dev, __u16 command)
{
	char path[160];
	int fd, ret;

	fd = open(pci_path(dev, "config", path, sizeof(path)), O_WRONLY);
	ret = pwrite(fd, &command, sizeof(command), COMMAND);
	close(fd);
	return ret == sizeof(command) ? 0 : -1;
}

static int take_step(const struct pci_device *dev, const char *what)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", dev->address, what);
	return write_file("/sys/module/recovery/parameters/step", text);
}

/* Before the driver has it, it is a bus master and answers to no address. */
FIXTURE_SETUP(recovery)
{
	ASSERT_EQ(0, module_load(DRIVER, ""));
	ASSERT_EQ(0, module_load_helper("recovery"));
	ASSERT_EQ(0, pci_find(&self->dev, IVSHMEM, 2, SHARED_SIZE));
	ASSERT_EQ(0, set_command(&self->dev, COMMAND_MASTER));
	/* The PCI core saves that state. */
	ASSERT_EQ(0, pci_reset(&self->dev));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	pci_region(&self->dev, 2, &self->r);
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	store_byte(self->map, 55);
}

FIXTURE_TEARDOWN(recovery)
{
	munmap(self->map, SHARED_SIZE);
	close(self->fd);
	EXPECT_EQ(0, pci_unbind(&self->dev));
	EXPECT_EQ(0, module_unload("recovery"));
	EXPECT_EQ(0, module_unload(DRIVER));
}

/* Decoding is on and bus mastering off, whatever was before the driver. */
TEST_F(recovery, command)
{
	int before = get_command(&self->dev);

	EXPECT_EQ(COMMAND_MEMORY, before & (COMMAND_MEMORY | COMMAND_MASTER));
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	/* As the reset of its link leaves it. */
	ASSERT_EQ(0, set_command(&self->dev, 0));
	ASSERT_EQ(0, take_step(&self->dev, "slot_reset"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, take_step(&self->dev, "resume"));
	EXPECT_EQ(before, get_command(&self->dev));
	EXPECT_EQ(0, touch_read(self->map));
	EXPECT_EQ(55, load_byte(self->map));
}

/* The end of a reset does not end the error. */
TEST_F(recovery, reset_meanwhile)
{
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	ASSERT_EQ(0, pci_reset(&self->dev));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, take_step(&self->dev, "slot_reset"));
	ASSERT_EQ(0, take_step(&self->dev, "resume"));
	EXPECT_EQ(0, touch_read(self->map));
	EXPECT_EQ(55, load_byte(self->map));
}

/* The end of an error does not resume a suspended device. */
TEST_F(recovery, sleeps_meanwhile)
{
	char path[160], line[32];
	u8 byte;

	close(self->fd);
	munmap(self->map, SHARED_SIZE);
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "auto"));
	ASSERT_TRUE(pci_becomes(&self->dev, "power/runtime_status", "suspended"));
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	ASSERT_EQ(0, take_step(&self->dev, "resume"));
	snprintf(path, sizeof(path), CLASS "/%s/state", self->r.name);
	EXPECT_STREQ("revoked", read_line(path, line, sizeof(line)));

	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(55, byte);
	ASSERT_EQ(0, try_mmap(self->fd, SHARED_SIZE, PROT_READ, MAP_SHARED, 0,
			      &self->map));
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "on"));
}

/* An error reported twice during recovery ends once. */
TEST_F(recovery, reported_twice)
{
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	ASSERT_EQ(0, take_step(&self->dev, "slot_reset"));
	ASSERT_EQ(0, take_step(&self->dev, "resume"));
	EXPECT_EQ(0, touch_read(self->map));
}

/* A device that did not recover stays revoked until it is bound again. */
TEST_F(recovery, fails)
{
	ASSERT_EQ(0, take_step(&self->dev, "frozen"));
	ASSERT_EQ(0, take_step(&self->dev, "failed"));
	ASSERT_EQ(0, pci_reset(&self->dev));
	EXPECT_EQ(SIGBUS, touch_read(self->map));

	munmap(self->map, SHARED_SIZE);
	close(self->fd);
	ASSERT_EQ(0, pci_unbind(&self->dev));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_EQ(0, try_mmap(self->fd, SHARED_SIZE, PROT_READ, MAP_SHARED, 0,
			      &self->map));
	EXPECT_EQ(55, load_byte(self->map));
}

TEST_HARNESS_MAIN
