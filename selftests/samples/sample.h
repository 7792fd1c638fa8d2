/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drivers of samples/: loaded, given a device if they need one, opened and
 * mapped, and all of that undone. MAPDEV_SAMPLES says where the modules are.
 */
#ifndef _MAPDEV_SELFTESTS_SAMPLE_H
#define _MAPDEV_SELFTESTS_SAMPLE_H

#include "device/bus.h"
#include "region.h"

#define RW (PROT_READ | PROT_WRITE)

struct sample {
	const char *name;
	char node[64];
	struct pci_device pci;	/* "": needs none */
	size_t size;
	int fd;
	u8 *map;		/* all of it */
};

int load_sample(const char *name, const char *params);
int unload_sample(const char *name);
bool has_ivshmem(void);
u8 *map_part(const struct sample *s, off_t offset, size_t size);
int sample_begin(struct sample *s, const char *name, size_t size,
		 const char *params);
int sample_end(struct sample *s);
int open_other_node(const struct sample *s);
int touch_in_child(u8 *byte);

#endif /* _MAPDEV_SELFTESTS_SAMPLE_H */
