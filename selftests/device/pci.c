// SPDX-License-Identifier: GPL-2.0
/*
 * BARs as windows: the devices of scripts/vm/devices, bound to mapdev_pci by
 * driver_override. What is in a BAR is compared with what /dev/mem shows.
 */
#include "abi/command.h"
#include "bus.h"
#include "cache.h"
#include "mm/moving.h"
#include "module.h"

#define GIGABYTE 1073741824UL
#define SHARED_SIZE (16UL << 20)
#define PART 1048576UL	/* of what a PMD maps */
#define DRIVER "mapdev_pci"

FIXTURE(bar) {
	struct pci_device dev;
	struct region r;
	u64 phys, size;
	u8 *map;
	int bar, fd;
};

FIXTURE_VARIANT(bar) {
	const char *id;
	int bar;
	u64 size;	/* of the BAR, at least */
	const char *params;
	enum mapdev_cache cache;
};

#define BAR(_fixture, _name, _id, _bar, _size, _params, _cache)		\
	FIXTURE_VARIANT_ADD(_fixture, _name) {				\
		.id = _id, .bar = _bar, .size = _size,			\
		.params = _params, .cache = _cache			\
	};

BAR(bar, memory, IVSHMEM, 2, SHARED_SIZE, "", MAPDEV_WC)
BAR(bar, memory_wb, IVSHMEM, 2, SHARED_SIZE, "cache=wb", MAPDEV_WB)
BAR(bar, memory_uc, IVSHMEM, 2, SHARED_SIZE, "cache=uc", MAPDEV_UC)
BAR(bar, screen, VGA, 0, SHARED_SIZE, "", MAPDEV_WC)
BAR(bar, gigabyte, IVSHMEM, 2, GIGABYTE, "cache=wb", MAPDEV_WB)

FIXTURE_SETUP(bar)
{
	ASSERT_EQ(0, module_load(DRIVER, variant->params));
	ASSERT_EQ(0, pci_find(&self->dev, variant->id, variant->bar,
			      variant->size));
	self->phys = pci_bar(&self->dev, variant->bar, &self->size);
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	pci_region(&self->dev, variant->bar, &self->r);
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(bar)
{
	munmap(self->map, self->size);
	close(self->fd);
	/* Some cases have already removed it. */
	pci_unbind(&self->dev);
	EXPECT_EQ(0, module_unload(DRIVER));
}

FIXTURE_LIKE(large, bar)
BAR(large, gigabyte, IVSHMEM, 2, GIGABYTE, "cache=wb", MAPDEV_WB)

TEST_F(bar, is_a_region)
{
	struct mapdev_info info = { .size = sizeof(info) };
	char path[256], link[256], line[64];
	struct region other;

	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_WINDOW, info.backing);
	EXPECT_EQ(variant->cache, info.cache);
	EXPECT_EQ(MAPDEV_DEMAND, info.map);
	EXPECT_EQ(self->size, info.length);
	EXPECT_EQ(self->phys, info.phys_addr);
	EXPECT_EQ((off_t)self->size, lseek(self->fd, 0, SEEK_END));

	snprintf(path, sizeof(path), CLASS "/%s/backing", self->r.name);
	EXPECT_STREQ("window", read_line(path, line, sizeof(line)));
	snprintf(path, sizeof(path), CLASS "/%s/device", self->r.name);
	ASSERT_NE(NULL, realpath(path, link));
	EXPECT_STREQ(self->dev.address, strrchr(link, '/') + 1);

	/* BARs that are not there, too small, or of ports have no region. */
	for (int bar = 0; bar < 6; bar++) {
		u64 size;

		pci_bar(&self->dev, bar, &size);
		pci_region(&self->dev, bar, &other);
		EXPECT_EQ(size < PAGE, access(other.node, F_OK) != 0);
	}
}

/* mapdevctl says what ends a region of a device, and that does. */
TEST_F(bar, destroy_names_unbind)
{
	char command[256], output[4096];
	char *unbind;

	find_tool();
	snprintf(command, sizeof(command), "mapdevctl destroy %s", self->r.name);
	EXPECT_EQ(1, run(command, output, sizeof(output)));
	unbind = strstr(output, "echo ");
	ASSERT_NE(NULL, unbind) {
		TH_LOG("%s", output);
	}
	unbind[strcspn(unbind, "\n")] = '\0';
	EXPECT_EQ(0, run(unbind, command, sizeof(command)));
	EXPECT_NE(0, access(self->r.node, F_OK));
}

/* Every path reads and writes this BAR only. */
TEST_F(bar, frames_match_dev_mem)
{
	const size_t part = 3 * PAGE, at = self->size - part;
	int fd = open("/dev/mem", O_RDWR);
	u8 *mem = NULL, buf[3 * PAGE];

	ASSERT_EQ(0, try_mmap(fd, self->size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, self->phys, &mem));

	fill(self->map, 0, part, 1);
	fill(self->map + at, at, part, 1);
	EXPECT_EQ(part, differs(mem, 0, part, 1));
	EXPECT_EQ(part, differs(mem + at, at, part, 1));
	EXPECT_EQ((ssize_t)part, pread(self->fd, buf, part, at));
	EXPECT_EQ(part, differs(buf, at, part, 1));

	fill(buf, 100, part, 2);
	EXPECT_EQ((ssize_t)part, pwrite(self->fd, buf, part, 100));
	EXPECT_EQ(part, differs(mem + 100, 100, part, 2));
	EXPECT_EQ(part, differs(self->map + 100, 100, part, 2));

	/* Half of it lies behind the end. */
	EXPECT_EQ((ssize_t)part / 2, pwrite(self->fd, buf, part,
					    self->size - part / 2));
	EXPECT_EQ(-1, pwrite(self->fd, buf, 1, self->size));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(0, pread(self->fd, buf, 1, self->size));
	munmap(mem, self->size);
	close(fd);
}

/* The cache mode is reserved for the life of the region. */
/* ids: ME-29 */
TEST_F(bar, reservation)
{
	char mode[64];

	EXPECT_STREQ(reservation(variant->cache),
		     reserved_as(self->phys, self->size, mode, sizeof(mode)));
	munmap(self->map, self->size);
	close(self->fd);
	ASSERT_EQ(0, pci_unbind(&self->dev));
	EXPECT_STREQ("", reserved_as(self->phys, self->size, mode, sizeof(mode)));
}

/* ids: LK-59 */
TEST_F(bar, huge_entries)
{
	long faults = region_stat(&self->r, "fault");
	long huge = region_stat(&self->r, "huge_fault");
	bool pmds = frames_are_huge(MAPDEV_WINDOW, self->size);

	for (size_t at = 0; at < self->size; at += PAGE)
		load_byte(self->map + at);
	faults = region_stat(&self->r, "fault") - faults;
	EXPECT_TRUE(are_visits(faults, pmds ? 0 : self->size, AROUND));
	huge = region_stat(&self->r, "huge_fault") - huge;
	EXPECT_TRUE(are_visits(huge, pmds ? self->size : 0, HUGE_AROUND));

	/* Part of one: small pages, all of them at once. */
	munmap(self->map + PART, self->size - PART);
	madvise(self->map, PART, MADV_DONTNEED);
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	faults = region_stat(&self->r, "fault");
	for (size_t at = 0; at < PART; at += PAGE)
		load_byte(self->map + at);
	faults = region_stat(&self->r, "fault") - faults;
	EXPECT_TRUE(are_visits(faults, PART, AROUND));
}

/* PMDs are used even where a PUD would fit: see contig.gigabyte. */
/* ids: LK-59 */
TEST_F(large, gigabyte_in_pmds)
{
	const int prot = PROT_READ | PROT_WRITE;
	bool pmds = frames_are_huge(MAPDEV_WINDOW, self->size);
	u8 *room, *map;

	room = mmap(NULL, 2 * GIGABYTE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	map = (u8 *)(((unsigned long)room + GIGABYTE - 1) & -GIGABYTE);
	ASSERT_EQ(map, mmap(map, GIGABYTE, prot, MAP_SHARED | MAP_FIXED,
			    self->fd, 0));
	store_byte(map + GIGABYTE / 2, 77);
	for (size_t at = 0; at < GIGABYTE; at += PMD)
		load_byte(map + at);
	EXPECT_EQ(pmds ? GIGABYTE / HUGE_AROUND : 0,
		  region_stat(&self->r, "huge_fault"));

	ASSERT_EQ(0, munmap(map + PAGE, PAGE));
	EXPECT_EQ(77, load_byte(map + GIGABYTE / 2));
	EXPECT_EQ(SIGSEGV, touch_read(map + PAGE));
	EXPECT_EQ(0, touch_read(map));
	munmap(room, 2 * GIGABYTE);
}

TEST_F(bar, mremap_then_revoke)
{
	move_and_revoke(_metadata, &self->r, self->fd, self->size);
}

TEST_F(bar, refusals)
{
	u8 *map;

	EXPECT_EQ(EINVAL, try_mmap(self->fd, PAGE, PROT_READ, MAP_PRIVATE, 0,
				   NULL));
	EXPECT_EQ(EPERM, try_mmap(self->fd, PAGE, PROT_READ | PROT_EXEC,
				  MAP_SHARED, 0, NULL));
	EXPECT_EQ(EINVAL, try_mmap(self->fd, 8192, PROT_READ, MAP_SHARED,
				   self->size - PAGE, NULL));
	ASSERT_EQ(0, try_mmap(self->fd, PAGE, PROT_READ, MAP_SHARED,
			      self->size - PAGE, &map));
	EXPECT_EQ(MAP_FAILED, mremap(map, PAGE, 8192, MREMAP_MAYMOVE));
	munmap(map, PAGE);
}

/* After unbind, mappings get SIGBUS, and another driver can bind. */
TEST_F(bar, unbind)
{
	struct mapdev_info info = { .size = sizeof(info) };
	u8 byte;

	store_byte(self->map, 1);
	ASSERT_EQ(0, pci_unbind(&self->dev));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(SIGBUS, touch_write(self->map + self->size - 1));
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(ENODEV, try_mmap(self->fd, PAGE, PROT_READ, MAP_SHARED, 0,
				   NULL));
	EXPECT_NE(0, access(self->r.node, F_OK));
	ASSERT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_RETIRED, info.state);

	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(0, access(self->r.node, F_OK));
}

/* A reset takes the BARs away and gives them back, but not what root has. */
TEST_F(bar, reset)
{
	long revokes = region_stat(&self->r, "revoke");

	store_byte(self->map, 1);
	/* This device has no reset method. */
	if (!strcmp(variant->id, VGA)) {
		EXPECT_EQ(-ENOENT, pci_reset(&self->dev));
		EXPECT_EQ(revokes, region_stat(&self->r, "revoke"));
		return;
	}
	ASSERT_EQ(0, pci_reset(&self->dev));
	EXPECT_EQ(revokes + 1, region_stat(&self->r, "revoke"));
	EXPECT_EQ(1, region_stat(&self->r, "restore"));
	EXPECT_EQ(0, touch_write(self->map));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, pci_reset(&self->dev));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(0, touch_read(self->map));
}

/* A device with runtime PM suspends when the last file is closed, and resumes in open. */
TEST_F(bar, sleeps_when_idle)
{
	char path[160], line[32];
	u8 byte;

	store_byte(self->map, 55);
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "auto"));
	/* A mapping keeps it awake. */
	EXPECT_EQ(0, region_stat(&self->r, "revoke"));
	close(self->fd);
	EXPECT_EQ(55, load_byte(self->map));
	EXPECT_STREQ("active", read_line(pci_path(&self->dev,
						  "power/runtime_status", path,
						  sizeof(path)),
					 line, sizeof(line)));
	munmap(self->map, self->size);
	EXPECT_TRUE(pci_becomes(&self->dev, "power/runtime_status", "suspended"));
	EXPECT_EQ(1, region_stat(&self->r, "revoke"));
	snprintf(path, sizeof(path), CLASS "/%s/state", self->r.name);
	EXPECT_STREQ("revoked", read_line(path, line, sizeof(line)));

	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(1, region_stat(&self->r, "restore"));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(55, byte);
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "on"));
}

/* An open file does not keep an unbound device awake. */
TEST_F(bar, sleeps_when_unbound)
{
	char path[160];

	store_byte(self->map, 55);
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "auto"));
	ASSERT_EQ(0, pci_unbind(&self->dev));
	EXPECT_TRUE(pci_becomes(&self->dev, "power/runtime_status", "suspended"));
	ASSERT_EQ(0, write_file(pci_path(&self->dev, "power/control", path,
					 sizeof(path)), "on"));
}

static int without_rawio(const char *node)
{
	int status, fd;
	pid_t pid = fork();

	if (!pid) {
		if (drop_capability(CAP_SYS_RAWIO))
			_exit(255);
		fd = open(node, O_RDONLY);
		_exit(fd < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* The right to raw I/O is asked for until root has opened the door wider. */
TEST_F(bar, capability)
{
	struct stat st;

	EXPECT_EQ(EPERM, without_rawio(self->r.node));
	munmap(self->map, self->size);
	close(self->fd);
	ASSERT_EQ(0, pci_unbind(&self->dev));
	ASSERT_EQ(0, write_file("/sys/module/mapdev_pci/parameters/mode",
				"660"));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	ASSERT_EQ(0, stat(self->r.node, &st));
	EXPECT_EQ(0660, (int)st.st_mode & 0777);
	EXPECT_EQ(0, without_rawio(self->r.node));
}

/* Permissions are octal, with and without a zero in front, as chmod(1) has them. */
TEST(mode_is_octal)
{
	static const struct {
		const char *value;
		int err;
		const char *shown;
	} cases[] = {
		{ "660", 0, "0660" },
		{ "0640", 0, "0640" },
		{ "777", 0, "0777" },
		{ "1777", -EINVAL, "0777" },
		{ "0", -EINVAL, "0777" },
		{ "680", -EINVAL, "0777" },
		{ "0x1b0", -EINVAL, "0777" },
		{ "-1", -EINVAL, "0777" },
		{ "", -EINVAL, "0777" },
	};
	const char *path = "/sys/module/" DRIVER "/parameters/mode";
	char line[32];

	EXPECT_EQ(EINVAL, module_load(DRIVER, "mode=432x"));
	ASSERT_EQ(0, module_load(DRIVER, "mode=660"));
	EXPECT_STREQ("0660", read_line(path, line, sizeof(line)));
	ASSERT_EQ(0, module_unload(DRIVER));
	ASSERT_EQ(0, module_load(DRIVER, ""));
	EXPECT_STREQ("0600", read_line(path, line, sizeof(line)));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* As echo(1) writes it: sysfs sees nothing of an empty write. */
		snprintf(line, sizeof(line), "%s\n", cases[i].value);
		EXPECT_EQ(cases[i].err, write_file(path, line)) {
			TH_LOG("\"%s\"", cases[i].value);
		}
		EXPECT_STREQ(cases[i].shown, read_line(path, line, sizeof(line)));
	}
	EXPECT_EQ(0, module_unload(DRIVER));
}

/* --- Devices of other shapes --- */

FIXTURE(shapes) {
	struct pci_device dev;
	struct region r;
};

FIXTURE_SETUP(shapes)
{
	ASSERT_EQ(0, module_load(DRIVER, ""));
}

FIXTURE_TEARDOWN(shapes)
{
	if (self->dev.address[0])
		pci_unbind(&self->dev);
	EXPECT_EQ(0, module_unload(DRIVER));
}

/* It is loaded, and devices are there that it could drive: none is taken. */
TEST_F(shapes, binds_no_device_by_itself)
{
	struct dirent *entry;
	DIR *dir = opendir(CLASS);
	char path[160];

	ASSERT_EQ(0, pci_find(&self->dev, IVSHMEM, 2, PAGE));
	EXPECT_NE(0, access(pci_path(&self->dev, "driver", path, sizeof(path)),
			    F_OK));
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir)))
		EXPECT_NE(0, strncmp(entry->d_name, "pci-", 4));
	closedir(dir);
	self->dev.address[0] = '\0';
}

/* All of a kind, by its numbers. */
TEST_F(shapes, new_id)
{
	struct pci_device large;

	ASSERT_EQ(0, pci_find(&self->dev, IVSHMEM, 2, PAGE));
	ASSERT_EQ(0, pci_find(&large, IVSHMEM, 2, GIGABYTE));
	ASSERT_EQ(0, write_file("/sys/bus/pci/drivers/mapdev_pci/new_id",
				"1af4 1110"));
	pci_region(&self->dev, 2, &self->r);
	EXPECT_EQ(0, access(self->r.node, F_OK));
	pci_region(&large, 2, &self->r);
	EXPECT_EQ(0, access(self->r.node, F_OK));
	EXPECT_EQ(0, pci_unbind(&large));
	EXPECT_NE(0, access(self->r.node, F_OK));
}

/* Ports cannot be mapped; the memory beside them can. */
TEST_F(shapes, ports)
{
	u64 size;

	ASSERT_EQ(0, pci_find(&self->dev, TESTDEV, 0, PAGE));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	pci_bar(&self->dev, 1, &size);
	EXPECT_NE(0, size);
	pci_region(&self->dev, 0, &self->r);
	EXPECT_EQ(0, access(self->r.node, F_OK));
	pci_region(&self->dev, 1, &self->r);
	EXPECT_NE(0, access(self->r.node, F_OK));
}

/* Programs see the registers around the MSI-X table, and never the table. */
TEST_F(shapes, msix_table)
{
	const off_t table = 0x2000;
	u8 *map = NULL, *one = NULL, word[4], all[0x4000];
	int fd, mem;

	ASSERT_EQ(0, pci_find(&self->dev, NVME, 0, 0x4000));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	pci_region(&self->dev, 0, &self->r);
	fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	EXPECT_EQ(0, touch_read(map + table - 1));
	EXPECT_EQ(SIGBUS, touch_read(map + table));
	EXPECT_EQ(SIGBUS, touch_write(map + table + 4095));
	EXPECT_EQ(0, touch_read(map + table + PAGE));
	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, table, &one));
	EXPECT_EQ(SIGBUS, touch_read(one));

	EXPECT_EQ(table, pread(fd, all, sizeof(all), 0));
	EXPECT_EQ(-1, pread(fd, word, 4, table));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(fd, word, 4, table + 4092));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(4, pread(fd, word, 4, table + PAGE));

	mem = open("/proc/self/mem", O_RDWR);
	EXPECT_EQ(4, pread(mem, word, 4, (unsigned long)map));
	EXPECT_EQ(-1, pread(mem, word, 4, (unsigned long)map + table));
	EXPECT_EQ(EIO, errno);
	close(mem);
	munmap(one, PAGE);
	munmap(map, 0x4000);
	close(fd);
}

/* A register by mapping, by read(2) and by ptrace is one access of its width. */
TEST_F(shapes, registers)
{
	const off_t version = 8;
	__u32 word = 0, mapped;
	int fd, mem;
	u8 *map;

	ASSERT_EQ(0, pci_find(&self->dev, NVME, 0, 0x4000));
	ASSERT_EQ(0, pci_bind(&self->dev, DRIVER));
	pci_region(&self->dev, 0, &self->r);
	fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, 0, &map));
	mapped = load_word(map + version);
	EXPECT_EQ(1, mapped >> 16);

	EXPECT_EQ(4, pread(fd, &word, 4, version));
	EXPECT_EQ(mapped, word);
	word = 0;
	mem = open("/proc/self/mem", O_RDONLY);
	EXPECT_EQ(4, pread(mem, &word, 4, (unsigned long)map + version));
	EXPECT_EQ(mapped, word);
	close(mem);
	munmap(map, PAGE);
	close(fd);
}

/* Write-back is refused where an MTRR says uncached: never a weaker mode. */
TEST_F(shapes, refused_cache)
{
	char line[16];

	ASSERT_EQ(0, pci_find(&self->dev, VGA, 0, SHARED_SIZE));
	ASSERT_EQ(0, write_file("/sys/module/mapdev_pci/parameters/cache",
				"wb"));
	EXPECT_EQ(-EINVAL,
		  write_file("/sys/module/mapdev_pci/parameters/cache", "wt"));
	EXPECT_STREQ("wb", read_line("/sys/module/mapdev_pci/parameters/cache",
				     line, sizeof(line)));
	EXPECT_EQ(-EOPNOTSUPP, pci_bind(&self->dev, DRIVER));
	for (int bar = 0; bar < 6; bar++) {
		pci_region(&self->dev, bar, &self->r);
		EXPECT_NE(0, access(self->r.node, F_OK));
	}
	/* The failed attempt leaves nothing. */
	ASSERT_EQ(0, write_file("/sys/module/mapdev_pci/parameters/cache",
				"wc"));
	EXPECT_EQ(0, pci_bind(&self->dev, DRIVER));
}

TEST_HARNESS_MAIN
