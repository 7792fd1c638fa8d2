// SPDX-License-Identifier: GPL-2.0
/* Ways to find written pages: that of mapdev, and two of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/mapdev.h>
#include <linux/userfaultfd.h>

#include "bench.h"

#define ROOM	1024		/* runs in one answer */
#define SOFT_DIRTY_BIT	55	/* bit of a pagemap entry */

/* -- MAPDEV_IOC_DIRTY ------------------------------------------------------ */

static bool nothing_to_begin(struct log *log)
{
	(void)log;
	return true;
}

static long long collect_region(struct log *log)
{
	static struct mapdev_run runs[ROOM];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.length = log->size,
		.runs = (uintptr_t)runs,
		.capacity = ROOM,
	};
	long long bytes = 0;

	while (dirty.length) {
		if (ioctl(log->fd, MAPDEV_IOC_DIRTY, &dirty))
			return -1;
		for (unsigned int i = 0; i < dirty.count; i++)
			bytes += runs[i].length;
	}
	return bytes;
}

#define REGION_LOG(_name, _attributes) {				\
	.name = "mapdev " _name, .attributes = "dirty=1 " _attributes,	\
	.begin = nothing_to_begin, .collect = collect_region }

const struct log_kind log_paged_4k =
	REGION_LOG("paged 4K", "backing=paged granule=4K");
const struct log_kind log_paged_64k =
	REGION_LOG("paged 64K", "backing=paged granule=64K");
const struct log_kind log_pages = REGION_LOG("pages", "backing=pages");
const struct log_kind log_contig =
	REGION_LOG("contig pin", "backing=contig pin=1");

/* -- PAGEMAP_SCAN with asynchronous write protection ----------------------- */

static bool begin_scan(struct log *log)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED |
			    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)log->memory, .len = log->size },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	log->extra = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return log->extra >= 0 && !ioctl(log->extra, UFFDIO_API, &api) &&
	       !ioctl(log->extra, UFFDIO_REGISTER, &range);
}

static long long collect_scan(struct log *log)
{
	static struct page_region regions[ROOM];
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = (uintptr_t)log->memory,
		.end = (uintptr_t)log->memory + log->size,
		.vec = (uintptr_t)regions,
		.vec_len = ROOM,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	long long bytes = 0;

	while (scan.start < scan.end) {
		long count = ioctl(log->pagemap, PAGEMAP_SCAN, &scan);

		if (count < 0)
			return -1;
		for (long i = 0; i < count; i++)
			bytes += regions[i].end - regions[i].start;
		scan.start = scan.walk_end;
	}
	return bytes;
}

const struct log_kind log_scan = {
	.name = "PAGEMAP_SCAN", .begin = begin_scan, .collect = collect_scan,
};

/* -- soft-dirty ------------------------------------------------------------ */

static bool begin_soft_dirty(struct log *log)
{
	log->extra = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	return log->extra >= 0;
}

static long long collect_soft_dirty(struct log *log)
{
	static uint64_t entries[8192];
	uintptr_t at = (uintptr_t)log->memory / STEP;
	size_t left = log->size / STEP;
	long long bytes = 0;

	while (left) {
		size_t count = left < ARRAY_SIZE(entries) ? left : ARRAY_SIZE(entries);

		if (pread(log->pagemap, entries, count * sizeof(*entries),
			  at * sizeof(*entries)) !=
		    (ssize_t)(count * sizeof(*entries)))
			return -1;
		for (size_t i = 0; i < count; i++)
			if (entries[i] >> SOFT_DIRTY_BIT & 1)
				bytes += STEP;
		at += count;
		left -= count;
	}
	return write(log->extra, "4", 1) == 1 ? bytes : -1;
}

const struct log_kind log_soft_dirty = {
	.name = "soft-dirty", .begin = begin_soft_dirty,
	.collect = collect_soft_dirty,
};

/* -- any of them ----------------------------------------------------------- */

void log_close(struct log *log)
{
	int error = errno;

	if (log->memory)
		munmap(log->memory, log->size);
	if (log->extra >= 0)
		close(log->extra);
	if (log->pagemap >= 0)
		close(log->pagemap);
	if (log->fd >= 0)
		close(log->fd);
	if (log->kind->attributes)
		destroy_region();
	errno = error;
}

static bool log_fill(struct log *log)
{
	const struct memory kind = { };
	const struct object object = { .fd = log->fd, .size = log->size };

	if (log->fd < 0 || log->pagemap < 0)
		return false;
	log->memory = object_map(&kind, &object);
	if (!log->memory)
		return false;
	touch(log->memory, log->size, STEP, true);
	/* First for earlier writes, then for an empty log. */
	return log->kind->begin(log) && log->kind->collect(log) >= 0 &&
	       log->kind->collect(log) >= 0;
}

/* Set up memory that is mapped, fully written, and collected. */
bool log_open(struct log *log, const struct log_kind *kind, size_t size)
{
	*log = (struct log){
		.kind = kind,
		.size = size,
		.fd = -1,
		.extra = -1,
		.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
	if (!kind->attributes)
		log->fd = sized_memfd(size, 0);
	else if (!make_region(REGION, size, kind->attributes))
		log->fd = open_region(REGION);
	if (log_fill(log))
		return true;
	log_close(log);
	return false;
}
