// SPDX-License-Identifier: GPL-2.0
/* What a program can do with a region on a machine without an MMU. */
#include "nommu.h"

#include <linux/futex.h>

/* --- Shared: the memory itself --- */

/* ids: NM-9 */
TEST_EACH(shared_maps_region)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	store_byte(map + PAGE + 1, 42);
	CHECK(42, get_byte(r.fd, PAGE + 1));
	CHECK(0, set_byte(r.fd, SIZE - 1, 43));
	CHECK(43, load_byte(map + SIZE - 1));
	CHECK(0, munmap(map, SIZE));
	CHECK(42, get_byte(r.fd, PAGE + 1));
}

/* A page has one address, in every process and through every file. */
/* ids: NM-30 NM-34 */
TEST_EACH(address_is_the_same_everywhere)
{
	u8 *map, *again, *part;
	pid_t pid;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 2 * PAGE, &part));
	CHECK(map + 2 * PAGE, part);
	/* The child maps the last page and stores its address. */
	pid = spawn("tell_address");
	CHECK(0, wait_for(pid));
	CHECK(map + 3 * PAGE, *(u8 **)part);
	CHECK(0, munmap(map, PAGE));
	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &again));
	CHECK(map, again);
	CHECK(0, munmap(map, PAGE));
	CHECK(0, munmap(part, PAGE));
}

/* ids: NM-30 */
TEST_EACH(mmap_past_end_is_refused)
{
	u8 *map;

	CHECK(-EINVAL, try_mmap(r.fd, SIZE + 1, RW, MAP_SHARED, 0, &map));
	CHECK(-EINVAL, try_mmap(r.fd, SIZE, RW, MAP_SHARED, PAGE, &map));
	CHECK(-EINVAL, try_mmap(r.fd, PAGE, RW, MAP_SHARED, SIZE, &map));
	CHECK(-EINVAL, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 1UL << 52, &map));
	CHECK(0, counter("mapped"));
}

/* Every mapping is announced, although those that overlap share a vm_region. */
/* ids: NM-1 NM-32 NM-33 NM-34 */
TEST_EACH(every_mapping_is_counted)
{
	u8 *map;
	pid_t pid;

	if (!CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map)))
		return;
	CHECK(1, counter("prepare"));
	CHECK(1, counter("mapped"));
	store_byte(map, 0);
	pid = spawn("hold");
	CHECK(true, wait_byte(map, 1, pid));
	CHECK(2, counter("prepare"));
	CHECK(2, counter("mapped"));
	CHECK(0, counter("close"));
	store_byte(map, 2);
	CHECK(0, wait_for(pid));
	CHECK(1, counter("close"));
	CHECK(0, munmap(map, SIZE));
	CHECK(2, counter("close"));
	CHECK(0, counter("open"));
}

/* A mapping outlives the process that mapped the region first. */
/* ids: NM-33 NM-34 */
TEST_EACH(mapping_outlives_first_process)
{
	pid_t pid = spawn("hold");
	u8 *map;

	while (counter("mapped") < 1 && !waitpid(pid, NULL, WNOHANG))
		sched_yield();
	/* It is a part of the other mapping, and shares its vm_region. */
	if (!CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map))) {
		kill(pid, SIGKILL);
		return;
	}
	CHECK(true, wait_byte(map, 1, pid));
	store_byte(map, 2);
	CHECK(0, wait_for(pid));
	store_byte(map + 1, 7);
	CHECK(7, get_byte(r.fd, 1));
	CHECK(-EBUSY, sysfs("revoked", "1"));
	CHECK(0, munmap(map, PAGE));
	CHECK(counter("mapped"), counter("close"));
	CHECK(0, sysfs("revoked", "1"));
}

/* ids: NM-34 */
TEST_EACH(second_mapping_is_refused)
{
	u8 *map, *other;

	CHECK(0, try_mmap(r.fd, 2 * PAGE, RW, MAP_SHARED, PAGE, &map));
	CHECK(-EBUSY, try_mmap(r.fd, 2 * PAGE, RW, MAP_SHARED, PAGE, &other));
	CHECK(-EBUSY, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 2 * PAGE, &other));
	CHECK(-EBUSY, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &other));
	/* Longer, from the same page on: a vm_region cannot grow. */
	CHECK(-EBUSY, try_mmap(r.fd, 3 * PAGE, RW, MAP_SHARED, PAGE, &other));
	CHECK(1, counter("mapped"));
	CHECK(0, counter("close"));
	store_byte(map, 9);
	CHECK(9, get_byte(r.fd, PAGE));
	CHECK(0, munmap(map, 2 * PAGE));
	CHECK(1, counter("close"));
	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(0, munmap(map, SIZE));
}

/* Another process may map a part, or more, but not more from the same page on. */
/* ids: NM-34 */
TEST_EACH(longer_mapping_is_refused)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(EBUSY, wait_for(spawn("map_all")));
	CHECK(0, munmap(map, PAGE));
	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, PAGE, &map));
	CHECK(0, wait_for(spawn("map_all")));
	CHECK(0, munmap(map, PAGE));
	CHECK(counter("mapped"), counter("close"));
}

/* --- Private --- */

/* ids: NM-4 */
TEST_EACH(private_to_read_maps_region)
{
	u8 *map;

	CHECK(0, set_byte(r.fd, PAGE, 1));
	CHECK(0, try_mmap(r.fd, SIZE, PROT_READ, MAP_PRIVATE, 0, &map));
	CHECK(1, load_byte(map + PAGE));
	CHECK(0, set_byte(r.fd, PAGE, 2));
	CHECK(2, load_byte(map + PAGE));
	CHECK(1, counter("mapped"));
	/* A shared mapping is the same memory. */
	CHECK(0, wait_for(spawn("map_all")));
	CHECK(-EBUSY, sysfs("revoked", "1"));
	CHECK(0, munmap(map, SIZE));
	CHECK(2, counter("close"));
}

/* ids: NM-5 */
TEST_EACH(private_to_write_is_copied)
{
	u8 *map;

	CHECK(0, set_byte(r.fd, PAGE, 1));
	CHECK(0, set_byte(r.fd, SIZE - 1, 5));
	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_PRIVATE, 0, &map));
	CHECK(1, load_byte(map + PAGE));
	CHECK(5, load_byte(map + SIZE - 1));
	CHECK(0, set_byte(r.fd, PAGE, 2));
	CHECK(1, load_byte(map + PAGE));
	store_byte(map + PAGE, 3);
	CHECK(2, get_byte(r.fd, PAGE));
	/* mapdev is not asked, and the copy stays when the region is revoked. */
	CHECK(0, counter("prepare"));
	CHECK(0, sysfs("revoked", "1"));
	CHECK(3, load_byte(map + PAGE));
	CHECK(0, munmap(map, SIZE));
}

/* What read(2) does not return is zero; with an MMU, such an mmap fails. */
/* ids: NM-4 NM-5 */
TEST_EACH(copy_past_the_end)
{
	u8 *map;

	CHECK(0, set_byte(r.fd, SIZE - 1, 6));
	CHECK(0, try_mmap(r.fd, 2 * PAGE, RW, MAP_PRIVATE, SIZE - PAGE, &map));
	CHECK(6, load_byte(map + PAGE - 1));
	for (size_t i = PAGE; i < 2 * PAGE; i++)
		if (!CHECK(0, load_byte(map + i)))
			break;
	CHECK(0, munmap(map, 2 * PAGE));
}

/* Copies are made by read, which a revoked region refuses. */
/* ids: NM-18 */
TEST_EACH(copy_of_revoked_region)
{
	u8 *map;

	CHECK(0, sysfs("revoked", "1"));
	CHECK(-ENODEV, try_mmap(r.fd, PAGE, RW, MAP_PRIVATE, 0, &map));
	CHECK(-ENODEV, try_mmap(r.fd, PAGE, PROT_READ, MAP_PRIVATE, 0, &map));
	CHECK(-ENODEV, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(0, counter("mapped"));
}

/* ids: NM-18 */
TEST(copy_needs_readable_file)
{
	int fd = open(r.node, O_WRONLY);
	u8 *map;

	CHECK(-EACCES, try_mmap(fd, PAGE, RW, MAP_PRIVATE, 0, &map));
	CHECK(-EACCES, try_mmap(fd, PAGE, PROT_WRITE, MAP_SHARED, 0, &map));
	close(fd);
	fd = open(r.node, O_RDONLY);
	CHECK(-EACCES, try_mmap(fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(0, try_mmap(fd, PAGE, RW, MAP_PRIVATE, 0, &map));
	CHECK(0, munmap(map, PAGE));
	close(fd);
}

/* --- Refused operations --- */

/* mm core makes a copy that may be written without asking mapdev. */
/* ids: NM-31 */
TEST_EACH(exec_is_refused)
{
	u8 *map;

	CHECK(-EPERM, try_mmap(r.fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0,
			       &map));
	CHECK(-EPERM, try_mmap(r.fd, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE,
			       0, &map));
	CHECK(-EPERM, try_mmap(r.fd, PAGE, PROT_EXEC, MAP_PRIVATE, 0, &map));
	CHECK(3, counter("prepare"));
	CHECK(0, try_mmap(r.fd, PAGE, RW | PROT_EXEC, MAP_PRIVATE, 0, &map));
	CHECK(0, munmap(map, PAGE));
	CHECK(3, counter("prepare"));
	CHECK(0, counter("mapped"));
}

/* ids: NM-17 */
TEST_EACH(map_fixed_is_refused)
{
	u8 *map, *hint;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	hint = mmap(map + (1UL << 20), PAGE, RW, MAP_SHARED, r.fd, PAGE);
	CHECK(map + PAGE, hint);
	CHECK(0, munmap(hint, PAGE));
	hint = mmap(map + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, r.fd, PAGE);
	CHECK(MAP_FAILED, hint);
	CHECK(EINVAL, errno);
	hint = mmap(map, PAGE, RW, MAP_SHARED | MAP_FIXED, r.fd, 0);
	CHECK(MAP_FAILED, hint);
	CHECK(EINVAL, errno);
	store_byte(map, 8);
	CHECK(8, get_byte(r.fd, 0));
	CHECK(0, munmap(map, PAGE));
	CHECK(2, counter("mapped"));
	CHECK(2, counter("close"));
}

/* ids: NM-24 */
TEST_EACH(partial_munmap_is_refused)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(-1, munmap(map, PAGE));
	CHECK(EINVAL, errno);
	CHECK(-1, munmap(map + PAGE, PAGE));
	CHECK(EINVAL, errno);
	CHECK(-1, munmap(map + SIZE - PAGE, PAGE));
	CHECK(EINVAL, errno);
	CHECK(-1, munmap(map, SIZE + PAGE));
	CHECK(EINVAL, errno);
	CHECK(0, counter("close"));
	store_byte(map + SIZE - 1, 4);
	CHECK(4, get_byte(r.fd, SIZE - 1));
	CHECK(0, munmap(map, SIZE));
	CHECK(1, counter("close"));
}

/* ids: NM-22 NM-23 NM-24 NM-25 */
TEST_EACH(shared_mremap_is_refused)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, 2 * PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(-EPERM, try_mremap(map, 2 * PAGE, 2 * PAGE, 0, NULL));
	CHECK(-EPERM, try_mremap(map, 2 * PAGE, PAGE, 0, NULL));
	CHECK(-EPERM, try_mremap(map, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE, NULL));
	CHECK(-EPERM, try_mremap(map, 2 * PAGE, 2 * PAGE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, map));
	CHECK(-EINVAL, try_mremap(map, 2 * PAGE, 2 * PAGE,
				  MREMAP_MAYMOVE | MREMAP_FIXED, map + SIZE));
	CHECK(-EINVAL, try_mremap(map, PAGE, PAGE, 0, NULL));
	CHECK(-EINVAL, try_mremap(map + PAGE, PAGE, PAGE, 0, NULL));
	CHECK(-EINVAL, try_mremap(map, 2 * PAGE, 0, 0, NULL));
	CHECK(0, munmap(map, 2 * PAGE));
	CHECK(1, counter("mapped"));
	CHECK(1, counter("close"));
}

/* A copy is resized in place, within its allocation. */
/* ids: NM-21 NM-22 NM-23 NM-25 */
TEST(copy_mremap)
{
	u8 *map;

	CHECK(0, set_byte(r.fd, 2 * PAGE - 1, 3));
	CHECK(0, try_mmap(r.fd, 2 * PAGE, RW, MAP_PRIVATE, 0, &map));
	CHECK(map, mremap(map, 2 * PAGE, PAGE, 0, NULL));
	CHECK(-EINVAL, try_mremap(map, 2 * PAGE, PAGE, 0, NULL));
	CHECK(map, mremap(map, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  map));
	CHECK(3, load_byte(map + 2 * PAGE - 1));
	CHECK(-ENOMEM, try_mremap(map, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE, NULL));
	CHECK(-EINVAL, try_mremap(map, 2 * PAGE, PAGE,
				  MREMAP_MAYMOVE | MREMAP_FIXED, map + SIZE));
	CHECK(0, munmap(map, 2 * PAGE));
}

/* A futex is an address: mm core does not check what is mapped there. */
/* ids: NM-20 */
TEST_EACH(futex)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	*(__u32 *)map = 5;
	CHECK(0, syscall(__NR_futex, map, FUTEX_WAKE, 1, NULL, NULL, 0));
	CHECK(-1, syscall(__NR_futex, map, FUTEX_WAIT, 4, NULL, NULL, 0));
	CHECK(EAGAIN, errno);
	CHECK(0, munmap(map, PAGE));
	CHECK(0, syscall(__NR_futex, map, FUTEX_WAKE, 1, NULL, NULL, 0));
}

/* ids: NM-40 */
TEST_EACH(missing_system_calls)
{
	u8 *map, present;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(-1, syscall(__NR_mprotect, map, PAGE, PROT_READ));
	CHECK(ENOSYS, errno);
	CHECK(-1, syscall(__NR_msync, map, PAGE, 4));
	CHECK(ENOSYS, errno);
	CHECK(-1, syscall(__NR_mincore, map, PAGE, &present));
	CHECK(ENOSYS, errno);
	CHECK(-1, syscall(__NR_madvise, map, PAGE, 4));
	CHECK(ENOSYS, errno);
	CHECK(-1, syscall(__NR_mlock, map, PAGE));
	CHECK(ENOSYS, errno);
	CHECK(0, munmap(map, PAGE));
	CHECK(0, counter("fault"));
}

/* Without ->access, since mm core finds the bytes itself. */
/* ids: NM-40 */
TEST_EACH(proc_mem)
{
	int fd = open("/proc/self/mem", O_RDWR);
	u8 *map, byte = 12;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(0, set_byte(r.fd, 1, 11));
	CHECK(11, get_byte(fd, (off_t)map + 1));
	CHECK(0, set_byte(fd, (off_t)map + 2, byte));
	CHECK(12, get_byte(r.fd, 2));
	CHECK(0, munmap(map, PAGE));
	close(fd);
}

/* A pipe takes references to pages, if there are struct pages. */
TEST_EACH(pins)
{
	struct { void *base; size_t length; } iov = { .length = PAGE };
	bool frames = !strcmp(r.attrs, "backing=contig") ||
		      !strcmp(r.attrs, WINDOW);
	int pipe_fd[2];
	u8 *map;

	CHECK(0, pipe(pipe_fd));
	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	iov.base = map;
	CHECK(frames ? -1 : (long)PAGE,
	      syscall(__NR_vmsplice, pipe_fd[1], &iov, 1, 0));
	if (frames)
		CHECK(EFAULT, errno);
	CHECK(0, munmap(map, PAGE));
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* --- Revoke and retire --- */

/* ids: NM-36 */
TEST_EACH(revoke_is_refused_while_mapped)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(-EBUSY, sysfs("revoked", "1"));
	CHECK(-1, ioctl(r.fd, MAPDEV_IOC_REVOKE, 0));
	CHECK(EBUSY, errno);
	/* The region is still live. */
	CHECK(0, counter("revoke"));
	CHECK(-EALREADY, sysfs("revoked", "0"));
	store_byte(map, 42);
	CHECK(42, get_byte(r.fd, 0));
	CHECK(0, wait_for(spawn("map_all")));

	CHECK(0, munmap(map, SIZE));
	CHECK(0, sysfs("revoked", "1"));
	CHECK(-1, open(r.node, O_RDWR));
	CHECK(ENODEV, errno);
	CHECK(-ENODEV, get_byte(r.fd, 0));
	CHECK(-ENODEV, set_byte(r.fd, 0, 1));
	CHECK(-ENODEV, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(0, sysfs("revoked", "0"));
	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(42, load_byte(map));
	CHECK(0, munmap(map, SIZE));
}

/* The region is retired; the mapping and its contents stay. */
TEST_EACH(mapping_outlives_region)
{
	bool window = !strcmp(r.attrs, WINDOW);
	u8 *map;

	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	retire(r.name);
	CHECK(-1, access(r.node, F_OK));
	CHECK(-ENODEV, get_byte(r.fd, 0));
	close(r.fd);
	r.fd = -1;
	memset(map, 0x5a, SIZE);
	CHECK(0x5a, load_byte(map + SIZE - 1));
	/* The physical range stays claimed meanwhile. */
	if (window) {
		CHECK(0, describe("next", WINDOW " size=4096"));
		CHECK(-EBUSY, set_attr("next", "live", "1"));
	} else {
		CHECK(0, describe("next", "backing=contig size=16384"));
		CHECK(0, set_attr("next", "live", "1"));
		CHECK(0x5a, load_byte(map));
	}
	CHECK(0, munmap(map, SIZE));
	if (window)
		CHECK(0, set_attr("next", "live", "1"));
	retire("next");
}

/* --- Refused attributes --- */

TEST(attributes_need_mmu)
{
	static const char * const impossible[] = {
		"backing=paged", "backing=pages", "backing=vmalloc map=demand",
		"backing=contig dirty=1", WINDOW " cache=uc", WINDOW " cache=wc",
	};
	size_t count = sizeof(impossible) / sizeof(*impossible);

	for (size_t i = 0; i < count; i++) {
		CHECK(0, describe("no", impossible[i]));
		CHECK(0, set_attr("no", "size", "4096"));
		CHECK(-EOPNOTSUPP, set_attr("no", "live", "1"));
		CHECK(-1, access("/dev/mapdev/no", F_OK));
		CHECK(-1, access("/sys/class/mapdev/no", F_OK));
		/* The same directory then takes supported attributes. */
		CHECK(0, set_attr("no", "backing", "contig"));
		CHECK(0, set_attr("no", "map", "eager"));
		CHECK(0, set_attr("no", "dirty", "0"));
		CHECK(0, set_attr("no", "cache", "wb"));
		if (!strchr(impossible[i], 'x'))
			CHECK(0, set_attr("no", "live", "1"));
		retire("no");
	}
}

TEST_EACH(ioctls_need_mmu)
{
	struct mapdev_resize resize = {
		.size = sizeof(resize), .length = PAGE,
	};
	struct mapdev_discard discard = {
		.size = sizeof(discard), .length = PAGE,
	};
	struct mapdev_run run;
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty), .length = SIZE,
		.runs = (unsigned long)&run, .capacity = 1,
	};

	CHECK(0, set_byte(r.fd, 0, 1));
	CHECK(-1, ioctl(r.fd, MAPDEV_IOC_RESIZE, &resize));
	CHECK(EOPNOTSUPP, errno);
	CHECK(-EOPNOTSUPP, sysfs("size", "4096"));
	CHECK(-1, ioctl(r.fd, MAPDEV_IOC_DISCARD, &discard));
	CHECK(EOPNOTSUPP, errno);
	CHECK(-1, ioctl(r.fd, MAPDEV_IOC_DIRTY, &dirty));
	CHECK(EOPNOTSUPP, errno);
	CHECK(1, get_byte(r.fd, 0));
}

/* INFO reports the one map mode and the one cache mode. */
TEST_EACH(info)
{
	struct mapdev_info info = { .size = sizeof(info) };
	bool vmalloc = !strcmp(r.attrs, "backing=vmalloc");
	u8 *map;

	CHECK(0, ioctl(r.fd, MAPDEV_IOC_INFO, &info));
	CHECK(MAPDEV_EAGER, info.map);
	CHECK(MAPDEV_WB, info.cache);
	CHECK(SIZE, info.length);
	CHECK(0, try_mmap(r.fd, SIZE, RW, MAP_SHARED, 0, &map));
	CHECK(vmalloc ? 0 : (unsigned long)map, info.phys_addr);
	CHECK(0, munmap(map, SIZE));
}

/* More than the buddy allocator has in one piece is refused, and not accounted. */
TEST(large_region_is_refused)
{
	CHECK(0, describe("large", "backing=vmalloc size=64M"));
	CHECK(-ENOMEM, set_attr("large", "live", "1"));
	CHECK(0, set_attr("large", "size", "1M"));
	CHECK(0, set_attr("large", "live", "1"));
	retire("large");
}

/* ids: NM-31 */
TEST(ro_region)
{
	int fd;
	u8 *map;

	CHECK(0, create("ro", "backing=vmalloc size=4096 ro=1"));
	fd = open("/dev/mapdev/ro", O_RDWR);
	CHECK(-EACCES, try_mmap(fd, PAGE, RW, MAP_SHARED, 0, &map));
	CHECK(-EACCES, set_byte(fd, 0, 1));
	CHECK(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, 0, &map));
	CHECK(0, load_byte(map));
	CHECK(0, munmap(map, PAGE));
	close(fd);
	retire("ro");
}

/* Data of an earlier region is not visible. */
TEST(new_region_is_zeroed)
{
	static const char * const attrs[] = {
		"backing=vmalloc size=64K", "backing=contig size=64K",
		"backing=contig pin=1 size=64K",
	};
	u8 *map;

	for (int i = 0; i < 6; i++) {
		int fd;

		CHECK(0, create("zero", attrs[i % 3]));
		fd = open("/dev/mapdev/zero", O_RDWR);
		CHECK(0, try_mmap(fd, 16 * PAGE, RW, MAP_SHARED, 0, &map));
		for (size_t at = 0; at < 16 * PAGE; at++)
			if (!CHECK(0, load_byte(map + at)))
				break;
		memset(map, 0xa5, 16 * PAGE);
		CHECK(0, munmap(map, 16 * PAGE));
		close(fd);
		retire("zero");
	}
}

/* --- Attributes and counters --- */

/* ids: NM-15 NM-16 */
TEST_EACH(proc_maps)
{
	char begin[24];
	u8 *map;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, PAGE, &map));
	snprintf(begin, sizeof(begin), "%08lx-", (unsigned long)map);
	CHECK(true, !!strstr(read_file("/proc/self/maps"), r.node));
	CHECK(true, !!strstr(read_file("/proc/self/maps"), begin));
	CHECK(true, !!strstr(read_file("/proc/maps"), r.node));
	CHECK(true, !!strstr(read_file("/proc/maps"), begin));
	CHECK(0, munmap(map, PAGE));
	CHECK(false, !!strstr(read_file("/proc/self/maps"), r.node));
	CHECK(false, !!strstr(read_file("/proc/maps"), r.node));
}

/* ids: NM-39 */
TEST(copies_are_trimmed)
{
	CHECK('1', read_file("/proc/sys/vm/nr_trim_pages")[0]);
}

/* A mapping keeps the file, and the file keeps the module. */
TEST(module_stays_while_mapped)
{
	u8 *map;

	CHECK(0, try_mmap(r.fd, PAGE, RW, MAP_SHARED, 0, &map));
	close(r.fd);
	r.fd = -1;
	CHECK(-1, syscall(__NR_delete_module, "mapdev", O_NONBLOCK));
	CHECK(EAGAIN, errno);
	store_byte(map, 1);
	CHECK(0, munmap(map, PAGE));
}

/* --- The child --- */

static int child(const char *what, const char *node)
{
	int fd = open(node, O_RDWR), err;
	u8 *map;

	if (!strcmp(what, "tell_address")) {
		err = try_mmap(fd, PAGE, RW, MAP_SHARED, SIZE - PAGE, &map);
		lseek(fd, 2 * PAGE, SEEK_SET);
		return write(fd, &map, sizeof(map)) < 0 ? errno : -err;
	}
	err = try_mmap(fd, SIZE, RW, MAP_SHARED, 0, &map);
	if (err || !strcmp(what, "map_all"))
		return -err;
	/* hold: tell that it is mapped, and wait for the permission to exit. */
	store_byte(map, 1);
	wait_byte(map, 2, 0);
	return 0;
}
