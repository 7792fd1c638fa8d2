// SPDX-License-Identifier: GPL-2.0
/* pagemap and userfaultfd. */
#include "tracking.h"

/* The entries of so many pages from @addr on. */
void pagemap_read(const u8 *addr, size_t count, u64 *entries)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);

	memset(entries, 0, count * sizeof(*entries));
	pread(fd, entries, count * sizeof(*entries), (uintptr_t)addr / PAGE * 8);
	close(fd);
}

u64 pagemap_of(const u8 *addr)
{
	u64 entry;

	pagemap_read(addr, 1, &entry);
	return entry;
}

/* The page frame number of an entry; 0 if it is hidden. */
u64 pagemap_pfn(u64 entry)
{
	return entry & PAGEMAP_PRESENT ? entry & (PAGEMAP_SOFT_DIRTY - 1) : 0;
}

/* The page frame behind an address that was touched. */
u64 pfn_of(const u8 *addr)
{
	return pagemap_pfn(pagemap_of(addr));
}

int uffd_open(u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	return ioctl(fd, UFFDIO_API, &api) ? -errno : fd;
}

int uffd_register(int fd, u8 *map, size_t size, u64 mode)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)map, size },
		.mode = mode,
	};

	return ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
}

int slow_open(struct slow *slow)
{
	slow->mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slow->fd = uffd_open(0);
	if (slow->fd < 0)
		return slow->fd;
	return -uffd_register(slow->fd, slow->mem, 2 * PAGE,
			      UFFDIO_REGISTER_MODE_MISSING);
}

/* Wait for the first touch. */
void slow_wait(struct slow *slow)
{
	struct uffd_msg msg;

	while (read(slow->fd, &msg, sizeof(msg)) != sizeof(msg))
		;
}

int slow_go(struct slow *slow, const void *page)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)slow->mem,
		.src = (uintptr_t)page,
		.len = PAGE,
	};

	return ioctl(slow->fd, UFFDIO_COPY, &copy) ? -errno : 0;
}

void slow_close(struct slow *slow)
{
	close(slow->fd);
	munmap(slow->mem, 2 * PAGE);
}
