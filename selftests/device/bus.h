/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices of the test machine (scripts/vm/devices): find one, give it to a
 * driver, take it away, and name the regions of its BARs.
 */
#ifndef _MAPDEV_SELFTESTS_BUS_H
#define _MAPDEV_SELFTESTS_BUS_H

#include "region.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

#define IVSHMEM	"1af4:1110"
#define NVME	"1b36:0010"
#define VGA	"1234:1111"
#define TESTDEV	"1b36:0005"

struct pci_device {
	char address[32];	/* DDDD:BB:DD.F */
};

const char *pci_path(const struct pci_device *dev, const char *file, char *path,
		     size_t size);
u64 pci_bar(const struct pci_device *dev, int bar, u64 *size);
int pci_find(struct pci_device *dev, const char *id, int bar, u64 size);
int pci_bind(const struct pci_device *dev, const char *driver);
int pci_unbind(const struct pci_device *dev);
int pci_reset(const struct pci_device *dev);
bool pci_becomes(const struct pci_device *dev, const char *file,
		 const char *want);
void pci_region(const struct pci_device *dev, int bar, struct region *r);

#endif /* _MAPDEV_SELFTESTS_BUS_H */
