// SPDX-License-Identifier: GPL-2.0
/* PCI devices: find one, bind and unbind its driver. */
#include <dirent.h>

#include "device/bus.h"

const char *pci_path(const struct pci_device *dev, const char *file, char *path,
		     size_t size)
{
	snprintf(path, size, PCI_DEVICES "/%s/%s", dev->address, file);
	return path;
}

/* Where a BAR begins, and how long it is; 0 if there is none. */
u64 pci_bar(const struct pci_device *dev, int bar, u64 *size)
{
	unsigned long long first = 0, last = 0;
	char path[160], line[80];
	FILE *file = fopen(pci_path(dev, "resource", path, sizeof(path)), "r");

	for (int i = 0; file && i <= bar; i++)
		if (!fgets(line, sizeof(line), file) ||
		    sscanf(line, "%llx %llx", &first, &last) != 2)
			last = 0;
	if (file)
		fclose(file);
	*size = last ? last - first + 1 : 0;
	return first;
}

/*
 * The device VENDOR:DEVICE whose BAR has at least @size bytes, or the smallest
 * of these. 0 or -ENODEV.
 */
int pci_find(struct pci_device *dev, const char *id, int bar, u64 size)
{
	char path[400], vendor[16], device[16], found[16];
	DIR *dir = opendir(PCI_DEVICES);
	u64 best = ~0ULL, have;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct pci_device this = {};

		if (entry->d_name[0] == '.')
			continue;
		snprintf(this.address, sizeof(this.address), "%.31s",
			 entry->d_name);
		read_line(pci_path(&this, "vendor", path, sizeof(path)),
			  vendor, sizeof(vendor));
		read_line(pci_path(&this, "device", path, sizeof(path)),
			  device, sizeof(device));
		snprintf(found, sizeof(found), "%.4s:%.4s", vendor + 2,
			 device + 2);
		pci_bar(&this, bar, &have);
		if (!strcmp(found, id) && have >= size && have < best) {
			*dev = this;
			best = have;
		}
	}
	if (dir)
		closedir(dir);
	return best == ~0ULL ? -ENODEV : 0;
}

/* Bind a free device to a driver without a table; 0 or -errno. */
int pci_bind(const struct pci_device *dev, const char *driver)
{
	char path[160];
	int err;

	err = write_file(pci_path(dev, "driver_override", path, sizeof(path)),
			 driver);
	if (err)
		return err;
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	return write_file(path, dev->address);
}

/* Unbind a device, and clear its override; 0 or -errno. */
int pci_unbind(const struct pci_device *dev)
{
	char path[160];
	int err;

	err = write_file(pci_path(dev, "driver/unbind", path, sizeof(path)),
			 dev->address);
	write_file(pci_path(dev, "driver_override", path, sizeof(path)), "\n");
	return err;
}

int pci_reset(const struct pci_device *dev)
{
	char path[160];

	return write_file(pci_path(dev, "reset", path, sizeof(path)), "1");
}

/* Wait until a workqueue has changed an attribute. */
bool pci_becomes(const struct pci_device *dev, const char *file,
		 const char *want)
{
	char path[160], line[32];

	for (int i = 0; i < 1000; i++) {
		read_line(pci_path(dev, file, path, sizeof(path)), line,
			  sizeof(line));
		if (!strcmp(line, want))
			return true;
		usleep(10000);
	}
	return false;
}

/* The names of the region of a BAR, whether it exists or not. */
void pci_region(const struct pci_device *dev, int bar, struct region *r)
{
	unsigned int domain, bus, slot, function;

	if (sscanf(dev->address, "%x:%x:%x.%x", &domain, &bus, &slot,
		   &function) != 4)
		return;
	snprintf(r->name, sizeof(r->name), "pci-%04x-%02x-%02x.%x-bar%d",
		 domain, bus, slot, function, bar);
	snprintf(r->node, sizeof(r->node), "/dev/mapdev/%s", r->name);
}
