/* SPDX-License-Identifier: GPL-2.0 */
/* Who wants to see each write to a mapping: userfaultfd, and soft-dirty bits. */
#ifndef _MAPDEV_SELFTESTS_TRACKING_H
#define _MAPDEV_SELFTESTS_TRACKING_H

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "region.h"

#define PAGEMAP_SOFT_DIRTY	0x0080000000000000ULL
#define PAGEMAP_PRESENT		0x8000000000000000ULL

static inline u64 pagemap_of(const u8 *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	u64 entry = 0;

	pread(fd, &entry, sizeof(entry), (uintptr_t)addr / PAGE * 8);
	close(fd);
	return entry;
}

/* Behind an address that was touched; 0 if none is shown. */
static inline u64 pfn_of(const u8 *addr)
{
	u64 entry = pagemap_of(addr);

	return entry & PAGEMAP_PRESENT ? entry & (PAGEMAP_SOFT_DIRTY - 1) : 0;
}

static inline int uffd_open(u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	return ioctl(fd, UFFDIO_API, &api) ? -errno : fd;
}

static inline int uffd_register(int fd, u8 *map, size_t size, u64 mode)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)map, size },
		.mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
}

#endif /* _MAPDEV_SELFTESTS_TRACKING_H */
