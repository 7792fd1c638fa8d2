// SPDX-License-Identifier: GPL-2.0
/*
 * A BAR of a PCI device, as a window of mapdev, through UIO, and through
 * /dev/mem. scripts/bench/run gives the virtual machine two devices for this: one
 * whose BAR 4 is 32-bit and not prefetchable, the only kind that uio_pci_generic
 * accepts, and one whose BAR 2 is RAM of 1 GiB.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define DEVICES	"/sys/bus/pci/devices"
#define DRIVERS	"/sys/bus/pci/drivers"

static struct bar {
	char address[16];	/* of the device, DDDD:BB:DD.F */
	const char *driver;	/* driver that it is bound to */
	int number;
	unsigned long long first;
	unsigned long long size;
} bar;

/* Read a line of a file in the directory of the device. */
static bool device_line(const char *file, int number, char *line, int size)
{
	char path[160];
	bool found;
	FILE *stream;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bar.address, file);
	stream = fopen(path, "r");
	if (!stream)
		return false;
	do
		found = fgets(line, size, stream);
	while (found && number--);
	fclose(stream);
	return found;
}

/* Is this device VENDOR:DEVICE:BAR? Also record the size of the BAR. */
static bool is_device(const char *wanted)
{
	unsigned int want_vendor, want_device;
	char line[80];

	if (sscanf(wanted, "%x:%x:%d", &want_vendor, &want_device,
		   &bar.number) != 3)
		return false;
	if (!device_line("vendor", 0, line, sizeof(line)) ||
	    strtoul(line, NULL, 16) != want_vendor)
		return false;
	if (!device_line("device", 0, line, sizeof(line)) ||
	    strtoul(line, NULL, 16) != want_device)
		return false;
	if (!device_line("resource", bar.number, line, sizeof(line)) ||
	    sscanf(line, "%llx %llx", &bar.first, &bar.size) != 2)
		return false;
	bar.size -= bar.first - 1;
	return true;
}

static bool find_bar(const char *wanted)
{
	DIR *directory = opendir(DEVICES);
	struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		snprintf(bar.address, sizeof(bar.address), "%.15s",
			 entry->d_name);
		found = is_device(wanted);
	}
	if (directory)
		closedir(directory);
	errno = ENODEV;
	return found;
}

static int set_override(const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICES "/%s/driver_override",
		 bar.address);
	return write_file(path, driver);
}

static int drive(const char *driver, const char *action)
{
	char path[128];

	snprintf(path, sizeof(path), DRIVERS "/%s/%s", driver, action);
	return write_file(path, bar.address);
}

/* Find the BAR, and bind its device to @driver unless NULL. */
static bool take_bar(const struct memory *memory, struct object *object,
		     const char *driver)
{
	bar.driver = NULL;
	if (!find_bar(memory->arg))
		return false;
	object->size = bar.size;
	if (!driver)
		return true;
	if (set_override(driver) || drive(driver, "bind"))
		return false;
	bar.driver = driver;
	return true;
}

void destroy_bar(void)
{
	if (!bar.driver)
		return;
	drive(bar.driver, "unbind");
	set_override("\n");
	bar.driver = NULL;
}

int create_bar_window(const struct memory *memory, struct object *object)
{
	char name[64];

	if (!take_bar(memory, object, "mapdev_pci"))
		return -1;
	snprintf(name, sizeof(name), "pci-%s-bar%d", bar.address, bar.number);
	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '-';
	object->fd = open_region(name);
	return object->fd < 0 ? -1 : 0;
}

/* Find the map of the BAR; for mmap(2), its number is the page offset. */
static int uio_map_of_bar(const char *uio)
{
	char file[48], line[32];

	for (int map = 0; map < 5; map++) {
		snprintf(file, sizeof(file), "uio/%.8s/maps/map%d/addr", uio,
			 map);
		if (device_line(file, 0, line, sizeof(line)) &&
		    strtoull(line, NULL, 16) == bar.first)
			return map;
	}
	errno = ENXIO;
	return -1;
}

int create_bar_uio(const struct memory *memory, struct object *object)
{
	char path[128], uio[16] = "";
	struct dirent *entry;
	DIR *directory;
	int map;

	if (!take_bar(memory, object, "uio_pci_generic"))
		return -1;
	snprintf(path, sizeof(path), DEVICES "/%s/uio", bar.address);
	directory = opendir(path);
	if (!directory)
		return -1;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(uio, sizeof(uio), "%.15s", entry->d_name);
	closedir(directory);
	map = uio_map_of_bar(uio);
	if (map < 0)
		return -1;
	object->offset = (off_t)map * STEP;
	snprintf(path, sizeof(path), "/dev/%s", uio);
	object->fd = open(path, O_RDWR | O_CLOEXEC);
	return object->fd < 0 ? -1 : 0;
}

int create_bar_mem(const struct memory *memory, struct object *object)
{
	char path[128];

	if (!take_bar(memory, object, NULL))
		return -1;
	/* A driver of its own would have enabled it. */
	snprintf(path, sizeof(path), DEVICES "/%s/enable", bar.address);
	if (write_file(path, "1"))
		return -1;
	object->offset = bar.first;
	object->fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	return object->fd < 0 ? -1 : 0;
}
