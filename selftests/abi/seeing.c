// SPDX-License-Identifier: GPL-2.0
/* What an administrator sees of a region: counters, tracepoints, fdinfo. */
#include <dirent.h>
#include <sys/mount.h>

#include <linux/elf.h>
#include <linux/fs.h>

#include "test.h"

#define SIZE (4UL << 20)
#define HUGE (2UL << 20)
#define TRACING "/sys/kernel/tracing"

FIXTURE(seeing) {
	struct region r;
	u8 *map;
	int fd;
};

FIXTURE_EACH_BACKING(seeing)

FIXTURE_SETUP(seeing)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, 0, &self->map));
}

FIXTURE_TEARDOWN(seeing)
{
	munmap(self->map, SIZE);
	close(self->fd);
	region_destroy(&self->r);
}

#define STAT(name) region_stat(&self->r, name)

/* The counters of mmap(2). */
/* ids: MP-11 */
TEST_F(seeing, mmap_counters)
{
	EXPECT_EQ(1, STAT("prepare"));
	EXPECT_EQ(1, STAT("mapped"));
	EXPECT_EQ(0, STAT("not_mapped"));
	EXPECT_EQ(EPERM, try_mmap(self->fd, PAGE, PROT_EXEC, MAP_SHARED, 0,
				  NULL));
	EXPECT_EQ(2, STAT("prepare"));
	EXPECT_EQ(1, STAT("not_mapped"));
	if (variant->type != MAPDEV_PAGED)
		return;
	/* Its second half again: mm core merges that. */
	ASSERT_NE(MAP_FAILED, mmap(self->map + SIZE / 2, SIZE / 2,
				   PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, self->fd, SIZE / 2));
	EXPECT_EQ(3, STAT("prepare"));
	EXPECT_EQ(1, STAT("mapped"));
	EXPECT_EQ(2, STAT("not_mapped"));
}

/* A touch faults under the VMA lock; ptrace access, under mmap_lock. Eager: no fault. */
/* ids: LK-54 PA-2 */
TEST_F(seeing, faults_use_vma_lock)
{
	int mem = open("/proc/self/mem", O_RDWR);
	long all;
	u8 byte;

	store_byte(self->map, 1);
	all = STAT("fault") + STAT("huge_fault");
	EXPECT_EQ(!variant->eager, all);
	EXPECT_EQ(all, STAT("fault_vma_lock") + STAT("huge_fault_vma_lock"));
	EXPECT_EQ(0, STAT("fault_mmap_lock") + STAT("huge_fault_mmap_lock"));

	/* For page frames this is ->access, which is no fault. */
	ASSERT_EQ(1, pread(mem, &byte, 1,
			   (off_t)(unsigned long)(self->map + HUGE)));
	if (variant->eager || maps_frames(variant->type, variant->attrs)) {
		EXPECT_EQ(all, STAT("fault") + STAT("huge_fault"));
	} else {
		EXPECT_EQ(all + 1, STAT("fault") + STAT("huge_fault"));
		EXPECT_EQ(1, STAT("fault_mmap_lock") +
			     STAT("huge_fault_mmap_lock"));
	}
	close(mem);
}

FIXTURE_LIKE(cached, seeing)
BACKING_VARIANT(paged, "backing=paged", MAPDEV_PAGED, false, cached)

/* Cached pages are mapped by map_pages, without a call of fault. */
/* ids: LK-64 LK-76 ME-42 */
TEST_F(cached, map_pages_saves_faults)
{
	static const char around[] = "/sys/kernel/debug/fault_around_bytes";
	char bytes[32], before[32];
	u8 *again = NULL;
	long faults;

	/* The default is 64K, which may be one page. */
	read_line(around, before, sizeof(before));
	snprintf(bytes, sizeof(bytes), "%lu", 16 * PAGE);
	ASSERT_EQ(0, write_file(around, bytes));
	fill(self->map, 0, SIZE, 1);
	faults = STAT("fault");
	/* Shared, its large folios would come by fault(), but the first. */
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ, MAP_PRIVATE, 0,
			      &again));
	EXPECT_EQ(SIZE, differs(again, 0, SIZE, 1));
	EXPECT_EQ(faults, STAT("fault"));
	EXPECT_LT(0, STAT("map_pages_vma_lock"));
	EXPECT_EQ(STAT("map_pages"), STAT("map_pages_vma_lock") +
				     STAT("map_pages_mmap_lock"));
	munmap(again, SIZE);
	EXPECT_EQ(0, write_file(around, before));
}

TEST_F(seeing, revoke_counters)
{
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(1, STAT("revoke"));
	EXPECT_EQ(0, STAT("sigbus"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(1, STAT("sigbus"));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(1, STAT("restore"));
	EXPECT_EQ(0, STAT("resize"));
	EXPECT_EQ(0, STAT("discard"));
	if (!region_discard(self->fd, 0, PAGE)) {
		EXPECT_EQ(1, STAT("discard"));
		EXPECT_EQ(0, region_resize(self->fd, SIZE / 2));
		EXPECT_EQ(1, STAT("resize"));
		EXPECT_EQ(EINVAL, region_resize(self->fd, 0));
		EXPECT_EQ(1, STAT("resize"));
	}
}

/*
 * mremap(2) opens the new place and closes the old one, and asks for no page
 * again; what is cut in two is opened once more. The first mapping never is.
 */
/* ids: LK-40 LK-41 LK-50 LK-51 LK-53 PA-43 */
TEST_F(seeing, mremap_counters)
{
	bool hooks = variant->type != MAPDEV_PAGED;
	long faults;
	u8 *to;

	fill(self->map, 0, SIZE, 1);
	faults = STAT("fault") + STAT("huge_fault");
	EXPECT_EQ(0, STAT("open"));
	EXPECT_EQ(0, STAT("close"));
	to = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, to);
	ASSERT_EQ(to, mremap(self->map, SIZE, SIZE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	self->map = to;
	EXPECT_EQ(hooks, STAT("open"));
	EXPECT_EQ(hooks, STAT("close"));
	EXPECT_EQ(SIZE, differs(self->map, 0, SIZE, 1));
	if (variant->type != MAPDEV_PAGED)
		EXPECT_EQ(faults, STAT("fault") + STAT("huge_fault"));

	ASSERT_EQ(0, munmap(self->map + PAGE, PAGE));
	EXPECT_EQ(hooks ? 3 : 0, STAT("open"));
	EXPECT_EQ(hooks ? 2 : 0, STAT("close"));
	ASSERT_EQ(0, munmap(self->map, SIZE));
	EXPECT_EQ(hooks ? STAT("mapped") + STAT("open") : 0, STAT("close"));
}

/* --- The documents --- */

#define MAX_NAMES 64

struct names {
	char name[MAX_NAMES][64];
	int count;
};

static bool has_name(const struct names *names, const char *name)
{
	for (int i = 0; i < names->count; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

static void add_name(struct names *names, const char *name)
{
	if (names->count < MAX_NAMES && !has_name(names, name))
		snprintf(names->name[names->count++], 64, "%.63s", name);
}

/* What a document of Documentation/ABI has behind @prefix at a line's start. */
static void add_documented(struct names *names, const char *document,
			   const char *prefix)
{
	size_t length = strlen(prefix);
	char path[512], line[256];
	FILE *file;

	snprintf(path, sizeof(path), ABI "/%s", document);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, prefix, length))
			continue;
		line[length + strcspn(line + length, ":\n")] = '\0';
		if (line[length])
			add_name(names, line + length);
	}
	fclose(file);
}

/* The files of a directory, without those of the driver core. */
static void add_files(struct names *names, const char *parent, const char *name)
{
	static const struct names core = {
		{ "dev", "uevent", "subsystem", "power", "device" }, 5,
	};
	struct dirent *entry;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", parent, name);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !has_name(&core, entry->d_name))
			add_name(names, entry->d_name);
	closedir(dir);
}

static void add_counters(struct names *names, const char *region)
{
	char path[128], name[64];
	long value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mapdev/%s", region);
	file = fopen(path, "r");
	while (file && fscanf(file, "%63s %ld", name, &value) == 2)
		add_name(names, name);
	fclose(file);
}

static void expect_same(struct __test_metadata *_metadata,
			const struct names *documented, const struct names *live)
{
	EXPECT_LT(0, live->count);
	for (int i = 0; i < live->count; i++) {
		EXPECT_TRUE(has_name(documented, live->name[i])) {
			TH_LOG("%s is not documented", live->name[i]);
		}
	}
	for (int i = 0; i < documented->count; i++) {
		EXPECT_TRUE(has_name(live, documented->name[i])) {
			TH_LOG("%s is not there", documented->name[i]);
		}
	}
}

/* Documentation/ABI and a live system have the same names. */
TEST(abi_names_match)
{
	static const char * const attrs[] = {
		"size=1M dirty=1", "size=1M backing=contig",
		"size=1M backing=window cache=wb",
	};
	struct names class_names = { 0 }, config_names = { 0 }, counters = { 0 };
	struct names class_live = { 0 }, config_live = { 0 }, live = { 0 };
	struct region r;

	add_documented(&class_names, "sysfs-class-mapdev",
		       "What:\t\t/sys/class/mapdev/<name>/");
	add_documented(&config_names, "configfs-mapdev",
		       "What:\t\t/sys/kernel/config/mapdev/<name>/");
	add_documented(&counters, "debugfs-mapdev", "\t\t- ");
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		ASSERT_EQ(0, region_create(&r, attrs[i]));
		add_files(&class_live, CLASS, r.name);
		add_files(&config_live, CONFIGFS, r.name);
		add_counters(&live, r.name);
		EXPECT_EQ(0, region_destroy(&r));
	}
	expect_same(_metadata, &class_names, &class_live);
	expect_same(_metadata, &config_names, &config_live);
	expect_same(_metadata, &counters, &live);
}

/* --- fdinfo --- */

static const char *info_of(int fd, const char *key, char *value, size_t size)
{
	char path[64], line[256];
	size_t length = strlen(key);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	value[0] = '\0';
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			snprintf(value, size, "%.*s",
				 (int)strcspn(line + length + 2, "\n"),
				 line + length + 2);
	fclose(file);
	return value;
}

/* ids: LK-31 */
TEST_F(seeing, fdinfo)
{
	static const char * const backings[] = {
		[MAPDEV_PAGED] = "paged", [MAPDEV_PAGES] = "pages",
		[MAPDEV_CONTIG] = "contig", [MAPDEV_VMALLOC] = "vmalloc",
		[MAPDEV_WINDOW] = "window",
	};
	char value[128];

	EXPECT_STREQ(self->r.name, info_of(self->fd, "mapdev-region", value,
					   sizeof(value)));
	EXPECT_STREQ(backings[variant->type],
		     info_of(self->fd, "mapdev-backing", value, sizeof(value)));
	EXPECT_STREQ("4194304", info_of(self->fd, "mapdev-size", value,
					sizeof(value)));
	EXPECT_STREQ("live", info_of(self->fd, "mapdev-state", value,
				     sizeof(value)));
	region_revoke(&self->r, 1);
	EXPECT_STREQ("revoked", info_of(self->fd, "mapdev-state", value,
					sizeof(value)));
	EXPECT_EQ(0, region_destroy(&self->r));
	EXPECT_STREQ("retired", info_of(self->fd, "mapdev-state", value,
					sizeof(value)));
}

/* --- Build ID --- */

/* A program, as far as the kernel looks for its build ID. */
struct image {
	struct elf64_hdr header;
	struct elf64_phdr program;
	struct elf64_note note;
	char owner[4];
	u8 id[20];
};

static void image_init(struct image *image)
{
	*image = (struct image) {
		.header = {
			.e_ident = {
				ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			},
			.e_type = ET_DYN,
			.e_phoff = offsetof(struct image, program),
			.e_phnum = 1,
		},
		.program = {
			.p_type = PT_NOTE,
			.p_offset = offsetof(struct image, note),
			.p_filesz = sizeof(*image) - offsetof(struct image, note),
		},
		.note = {
			.n_namesz = sizeof(image->owner),
			.n_descsz = sizeof(image->id),
			.n_type = 3,	/* a build ID */
		},
		.owner = "GNU",
	};
	fill(image->id, 0, sizeof(image->id), 1);
}

/* The length of the build ID at @addr: 0 for none, or -errno. */
static int build_id(const void *addr, u8 *id, size_t size)
{
	struct procmap_query query = {
		.size = sizeof(query),
		.query_addr = (uintptr_t)addr,
		.build_id_size = size,
		.build_id_addr = (uintptr_t)id,
	};
	int fd = open("/proc/self/maps", O_RDONLY);
	int err = ioctl(fd, PROCMAP_QUERY, &query) ? -errno : 0;

	close(fd);
	return err ?: query.build_id_size;
}

/* The kernel reads what is mapped when it is asked for that: RAM, no registers. */
TEST_F(seeing, build_id)
{
	struct image image;
	u8 id[20] = {};

	image_init(&image);
	ASSERT_EQ(sizeof(image), pwrite(self->fd, &image, sizeof(image), 0));
	if (variant->type == MAPDEV_WINDOW) {
		EXPECT_EQ(0, build_id(self->map, id, sizeof(id)));
		return;
	}
	ASSERT_EQ(sizeof(id), build_id(self->map, id, sizeof(id)));
	EXPECT_EQ(0, memcmp(id, image.id, sizeof(id)));
}

/* --- Tracepoints --- */

static int tracing(const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), TRACING "/%s", file);
	return write_file(path, value);
}

/* Of 16 digits; those of a program have fewer. */
static bool has_kernel_address(const char *text)
{
	while ((text = strstr(text, "ffff"))) {
		if (strspn(text, "0123456789abcdef") >= 16)
			return true;
		text++;
	}
	return false;
}

/* Lines of the trace about @region that begin with an event and hold @text. */
static int traced(const char *region, const char *event, const char *text)
{
	char line[512], wanted[128];
	FILE *file = fopen(TRACING "/trace", "r");
	int count = 0;

	snprintf(wanted, sizeof(wanted), " mapdev_%s: %s ", event, region);
	while (file && fgets(line, sizeof(line), file)) {
		char *found = strstr(line, wanted);

		/* Kernel addresses are not shown. */
		if (found && has_kernel_address(found))
			return -1;
		count += found && strstr(found, text);
	}
	fclose(file);
	return count;
}

/* The events tell what a fault returned: a locked folio, an entry, or a signal. */
/* ids: LK-57 */
TEST_F(seeing, trace)
{
	bool pmd = strstr(variant->attrs, "granule=2M") && !no_huge_pages();
	bool locked = variant->type == MAPDEV_PAGED && !pmd;
	const char *name = self->r.name;
	char line[128];
	u8 *map = NULL;

	if (access(TRACING "/trace", F_OK))
		ASSERT_EQ(0, mount("tracefs", TRACING, "tracefs", 0, NULL));
	ASSERT_EQ(0, tracing("events/mapdev/enable", "1"));
	ASSERT_EQ(0, tracing("trace", ""));

	ASSERT_EQ(0, try_mmap(self->fd, SIZE / 2, PROT_READ | PROT_WRITE,
			      MAP_SHARED, SIZE / 2, &map));
	snprintf(line, sizeof(line), "%lx-%lx pgoff=%lu ret=0",
		 (unsigned long)map, (unsigned long)map + SIZE / 2,
		 SIZE / 2 / PAGE);
	EXPECT_EQ(1, traced(name, "map", line));
	EXPECT_EQ(EINVAL, try_mmap(self->fd, 2 * SIZE, PROT_READ, MAP_SHARED,
				   0, NULL));
	EXPECT_EQ(1, traced(name, "map", "ret=-22"));

	EXPECT_EQ(0, touch_write(map + PAGE));
	if (!variant->eager) {
		EXPECT_EQ(1, traced(name, "fault", "flags=WRITE|"));
		EXPECT_EQ(1, traced(name, "fault",
				    locked ? "ret=LOCKED" : "ret=NOPAGE"));
	}
	EXPECT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(1, traced(name, "revoke", "why=root off=root"));
	EXPECT_EQ(SIGBUS, touch_read(map + PAGE));
	snprintf(line, sizeof(line), "%lx pgoff=%lu order=0 ",
		 (unsigned long)map + PAGE, SIZE / 2 / PAGE + 1);
	EXPECT_LE(1, traced(name, "fault", line));
	EXPECT_EQ(1, traced(name, "fault", "ret=SIGBUS"));
	EXPECT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(1, traced(name, "restore", "why=root off="));
	if (variant->type == MAPDEV_PAGED) {
		EXPECT_EQ(0, region_discard(self->fd, PAGE, 2 * PAGE));
		snprintf(line, sizeof(line), "offset=%lu length=%lu", PAGE,
			 2 * PAGE);
		EXPECT_EQ(1, traced(name, "discard", line));
		EXPECT_EQ(0, region_resize(self->fd, PAGE));
		snprintf(line, sizeof(line), "from=%lu to=%lu", SIZE, PAGE);
		EXPECT_EQ(1, traced(name, "resize", line));
	}
	EXPECT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(1, traced(name, "revoke", "why=retired off=retired"));
	EXPECT_EQ(0, tracing("events/mapdev/enable", "0"));
	munmap(map, SIZE / 2);
}

/* The dirty log, at the moment of the first write and of the answer. */
TEST(trace_dirty)
{
	struct mapdev_run run;
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty), .length = 131072,
		.runs = (uintptr_t)&run, .capacity = 1,
	};
	struct region r;
	u8 *map;
	int fd;

	if (access(TRACING "/trace", F_OK))
		ASSERT_EQ(0, mount("tracefs", TRACING, "tracefs", 0, NULL));
	ASSERT_EQ(0, region_create(&r, "size=128K backing=pages dirty=1"));
	fd = open(r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, 131072, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	ASSERT_EQ(0, tracing("trace", ""));
	ASSERT_EQ(0, tracing("events/mapdev/enable", "1"));
	/* A fault that writes marks by itself. */
	load_byte(map + PAGE);
	store_byte(map + PAGE, 1);
	ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_DIRTY, &dirty));
	ASSERT_EQ(0, tracing("events/mapdev/enable", "0"));
	EXPECT_EQ(1, dirty.count);
	EXPECT_EQ(PAGE, run.offset);
	EXPECT_EQ(1, traced(r.name, "mkwrite", "pgoff=0x1 ret=LOCKED"));
	EXPECT_EQ(1, traced(r.name, "collect", "offset=0 end=131072 runs=1 err=0"));
	munmap(map, 131072);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

/* --- Audit --- */

/* How often this task was asked for CAP_SYS_RAWIO, and not to be logged if not. */
static int count_asked(bool quiet)
{
	FILE *trace = fopen(TRACING "/trace", "r");
	int count = 0, options;
	char line[512], *at;

	while (fgets(line, sizeof(line), trace)) {
		at = strstr(line, " options=");
		if (at && sscanf(at, " options=%i", &options) == 1)
			/* CAP_OPT_NOAUDIT */
			count += !(options & 2) == !quiet;
	}
	fclose(trace);
	return count;
}

/* INFO looks whether it may show the address: to be without that is no denial. */
TEST(info_is_not_audited)
{
	struct mapdev_info info = { .size = sizeof(info) };
	struct region r;
	char filter[64];
	int fd;

	if (access(TRACING "/trace", F_OK))
		ASSERT_EQ(0, mount("tracefs", TRACING, "tracefs", 0, NULL));
	if (access(TRACING "/kprobe_events", F_OK))
		SKIP(return, "the kernel has no kprobes");
	ASSERT_EQ(0, region_create(&r, "size=1M backing=contig"));
	fd = open(r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, tracing("kprobe_events",
			     "p:mapdev_test/capable cap_capable cap=$arg3:s32 options=$arg4:u32"));
	snprintf(filter, sizeof(filter), "cap == %d && common_pid == %d",
		 CAP_SYS_RAWIO, getpid());
	EXPECT_EQ(0, tracing("events/mapdev_test/capable/filter", filter));
	EXPECT_EQ(0, tracing("trace", ""));
	EXPECT_EQ(0, tracing("events/mapdev_test/capable/enable", "1"));

	EXPECT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	EXPECT_NE(0, info.phys_addr);
	EXPECT_EQ(0, drop_capability(CAP_SYS_RAWIO));
	EXPECT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(0, info.phys_addr);

	EXPECT_EQ(0, tracing("events/mapdev_test/capable/enable", "0"));
	EXPECT_EQ(2, count_asked(true));
	EXPECT_EQ(0, count_asked(false));
	EXPECT_EQ(0, tracing("kprobe_events", "-:mapdev_test/capable"));
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

TEST_HARNESS_MAIN
