// SPDX-License-Identifier: GPL-2.0
/* Regions: create and remove by configfs, attributes, counters, ioctls. */
#include "region.h"

int region_set(const struct region *r, const char *attr, const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), CONFIGFS "/%s/%s", r->name, attr);
	return write_file(path, value);
}

/*
 * Clear physical memory, which a window shows as it is found. It may be mapped as a
 * device is, which memset() is not for.
 */
int clear_phys(off_t phys, size_t size)
{
	int fd = open("/dev/mem", O_RDWR);
	void *p = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, phys);
	int err = p == MAP_FAILED ? -errno : 0;

	if (!err) {
		for (size_t i = 0; i < size; i += sizeof(u64)) {
			*(u64 *)(p + i) = 0;
			__asm__ __volatile__("" : : : "memory");
		}
		munmap(p, size);
	}
	close(fd);
	return err;
}

/* Create a window at the first free part of that memory. */
static int window_go_live(const struct region *r)
{
	char path[128], text[32];
	size_t size;
	int err;

	snprintf(path, sizeof(path), CONFIGFS "/%s/size", r->name);
	size = strtoul(read_line(path, text, sizeof(text)), NULL, 10);
	for (size_t at = 0; at + size <= WINDOW_SIZE; at += size) {
		snprintf(text, sizeof(text), "%#llx", WINDOW_PHYS + at);
		err = region_set(r, "phys", text);
		if (!err)
			err = region_set(r, "live", "1");
		if (!err)
			return clear_phys(WINDOW_PHYS + at, size);
		if (err != -EBUSY)
			return err;
	}
	return -EBUSY;
}

static bool is_power_of_2(unsigned long number)
{
	return number && !(number & (number - 1));
}

/*
 * Make a region with attributes "name=value", separated by blanks. A window
 * without phys= gets a place; the value PAGE is the size of one. Without huge pages,
 * the only granule is a page.
 */
int region_create(struct region *r, const char *attrs)
{
	static int serial;
	char path[128], list[256], bytes[32], *rest = list, *item;
	int err;

	snprintf(r->name, sizeof(r->name), "test-%d-%d", getpid(), serial++);
	snprintf(r->node, sizeof(r->node), "/dev/mapdev/%s", r->name);
	snprintf(path, sizeof(path), CONFIGFS "/%s", r->name);
	snprintf(list, sizeof(list), "%s", attrs);
	if (mkdir(path, 0755))
		return -errno;
	while ((item = strsep(&rest, " "))) {
		char *key = strsep(&item, "=");

		if (!*key)
			continue;

		snprintf(bytes, sizeof(bytes), "%lu", PAGE);
		if (!strcmp(item, "PAGE") ||
		    (!strcmp(key, "granule") && no_huge_pages() &&
		     is_power_of_2(strtoul(item, NULL, 10))))
			item = bytes;
		err = region_set(r, key, item);
		if (err)
			goto remove;
	}
	if (strstr(attrs, "backing=window") && !strstr(attrs, "phys="))
		err = window_go_live(r);
	else
		err = region_set(r, "live", "1");
	if (!err)
		return 0;
remove:
	rmdir(path);
	return err;
}

/* A new region of @size bytes, open for reading and writing; or -errno. */
int region_open(struct region *r, const char *attrs, u64 size)
{
	char all[128];
	int err, fd;

	snprintf(all, sizeof(all), "size=%llu %s", size, attrs);
	err = region_create(r, all);
	if (err)
		return err;
	fd = open(r->node, O_RDWR);
	return fd < 0 ? -errno : fd;
}

int region_destroy(const struct region *r)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "/%s", r->name);
	return rmdir(path) ? -errno : 0;
}

/* Root's revoke (1) and restore (0). */
int region_revoke(const struct region *r, int revoke)
{
	char path[128];

	snprintf(path, sizeof(path), CLASS "/%s/revoked", r->name);
	return write_file(path, revoke ? "1" : "0");
}

/* The ioctls that take a structure: 0 or the errno. */
int region_discard(int fd, u64 offset, u64 length)
{
	struct mapdev_discard discard = {
		.size = sizeof(discard), .offset = offset, .length = length,
	};

	return ioctl(fd, MAPDEV_IOC_DISCARD, &discard) ? errno : 0;
}

int region_resize(int fd, u64 length)
{
	struct mapdev_resize resize = {
		.size = sizeof(resize), .length = length,
	};

	return ioctl(fd, MAPDEV_IOC_RESIZE, &resize) ? errno : 0;
}

/* One of the region's counters in debugfs. */
long region_stat(const struct region *r, const char *counter)
{
	char path[128], name[32];
	long value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mapdev/%s", r->name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (fscanf(file, "%31s %ld", name, &value) == 2) {
		if (!strcmp(name, counter)) {
			fclose(file);
			return value;
		}
	}
	fclose(file);
	return -1;
}

/* The number of mappings, as sysfs shows it to root; -1 for a retired region. */
long region_mappings(const struct region *r)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), CLASS "/%s/mappings", r->name);
	read_line(path, line, sizeof(line));
	return line[0] ? atol(line) : -1;
}

/* Are page frames mapped by PMDs? 7.2 needs a struct page, which RAM has. */
bool frames_are_huge(enum mapdev_backing_type type, size_t size)
{
	return size >= PMD && (type != MAPDEV_WINDOW || !on_linux_7_2());
}

/*
 * Are these the faults for @size bytes? Windows are aligned by address: there is
 * one more where the mapping is not.
 */
bool are_visits(long faults, size_t size, size_t around)
{
	long least = (size + around - 1) / around;

	return faults >= least && faults <= least + (size > 0);
}

/* Is it mapped by page frame, without struct pages? */
bool maps_frames(enum mapdev_backing_type type, const char *attrs)
{
	return type == MAPDEV_WINDOW ||
	       (type == MAPDEV_CONTIG && !strstr(attrs, "pin=1"));
}
