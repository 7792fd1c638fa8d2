// SPDX-License-Identifier: GPL-2.0
/*
 * Windows to physical memory: who may have one, of what, and how the CPU caches
 * it. What a window does as every region does, the other programs test.
 */
#include <sched.h>

#include "cache.h"
#include "module.h"
#include "test.h"

#define SIZE (4UL << 20)

FIXTURE(window) {
	struct region r;
	u8 *map;
	int fd;
};

FIXTURE_VARIANT(window) {
	const char *attrs;
	enum mapdev_cache cache;
	bool eager;
};

#define WINDOW(_name, _attrs, _cache, _eager)				\
	FIXTURE_VARIANT_ADD(window, _name)				\
	{ .attrs = _attrs, .cache = _cache, .eager = _eager };

WINDOW(wb, "cache=wb", MAPDEV_WB, false)
WINDOW(wc, "cache=wc", MAPDEV_WC, false)
WINDOW(uc, "cache=uc", MAPDEV_UC, false)
WINDOW(by_default, "", MAPDEV_UC, false)
WINDOW(eager_wb, "cache=wb map=eager", MAPDEV_WB, true)
WINDOW(eager_wc, "cache=wc map=eager", MAPDEV_WC, true)
WINDOW(eager_uc, "cache=uc map=eager", MAPDEV_UC, true)

FIXTURE_SETUP(window)
{
	char attrs[96];

	snprintf(attrs, sizeof(attrs), "backing=window size=4M phys=%#llx %s",
		 WINDOW_PHYS, variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
}

FIXTURE_TEARDOWN(window)
{
	munmap(self->map, SIZE);
	close(self->fd);
	region_destroy(&self->r);
}

/* The same bytes as in /dev/mem, at every offset. */
/* ids: MP-33 MP-35 ME-31 */
TEST_F(window, frames_match_dev_mem)
{
	int fd = open("/dev/mem", O_RDWR);
	u8 *mem = NULL, *part = NULL;

	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      WINDOW_PHYS, &mem));
	fill(self->map, 0, SIZE, 3);
	EXPECT_EQ(SIZE, differs(mem, 0, SIZE, 3));

	/* An offset counts once. */
	ASSERT_EQ(0, try_mmap(self->fd, SIZE / 2, PROT_READ, MAP_SHARED,
			      SIZE / 2, &part));
	EXPECT_EQ(SIZE / 2, differs(part, SIZE / 2, SIZE / 2, 3));
	EXPECT_EQ(EINVAL, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, PAGE,
				   NULL));
	munmap(part, SIZE / 2);
	munmap(mem, SIZE);
	close(fd);
}

/* Eager: all of it at mmap, and no fault. Demand: nothing until it is touched. */
/* ids: MP-32 */
TEST_F(window, mapped_at_mmap_or_fault)
{
	size_t huge = frames_are_huge(MAPDEV_WINDOW, SIZE) ? SIZE : 0;

	for (size_t at = 0; at < SIZE; at += PAGE)
		load_byte(self->map + at);
	EXPECT_TRUE(are_visits(region_stat(&self->r, "huge_fault"),
			       variant->eager ? 0 : huge, HUGE_AROUND));
	EXPECT_TRUE(are_visits(region_stat(&self->r, "fault"),
			       variant->eager ? 0 : SIZE - huge, AROUND));
}

#define DATA 0x11
#define STATUS 0xee
#define STEP 65536

/* A device that answers reads with its status, as flash does in this mode. */
static void set_mode(u8 *mem, u8 byte)
{
	for (size_t at = 0; at < SIZE; at += STEP)
		store_byte(mem + at, byte);
	__sync_synchronize();
}

struct watch {
	u8 end;
	u8 signals;	/* reads that met one */
	u8 passes;	/* over all of it, in which none did */
};

/* A byte, or -1 where there was a signal. */
static int peek(const u8 *byte)
{
	if (sigsetjmp(touch_jump, 1))
		return -1;
	return load_byte(byte);
}

/* Reads until the end; 1 as soon as it is the status. */
static int watch(u8 *map, struct watch *w)
{
	struct sigaction action = {
		.sa_sigaction = touch_handler, .sa_flags = SA_SIGINFO,
	};
	u8 before;

	sigaction(SIGBUS, &action, NULL);
	while (!load_byte(&w->end)) {
		before = load_byte(&w->signals);
		for (size_t at = 0; at < SIZE; at += STEP) {
			int seen = peek(map + at);

			if (seen < 0)
				store_byte(&w->signals, w->signals + 1);
			else if (seen != DATA)
				return 1;
		}
		if (w->signals == before)
			store_byte(&w->passes, w->passes + 1);
	}
	return 0;
}

/* Until the watcher has counted once more, or is gone. */
static void wait_count(pid_t pid, const u8 *count)
{
	siginfo_t info = { .si_pid = 0 };
	u8 seen = load_byte(count);

	while (load_byte(count) == seen && !info.si_pid) {
		waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
		sched_yield();
	}
}

/* A revoke before the mode changes, and a restore after: no access in between. */
/* ids: PA-30 NM-36 */
TEST_F(window, no_access_in_other_mode)
{
	struct watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open("/dev/mem", O_RDWR), status;
	u8 *mem = NULL;
	pid_t pid;

	ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      WINDOW_PHYS, &mem));
	set_mode(mem, DATA);
	pid = fork();
	if (!pid)
		_exit(watch(self->map, w));
	for (int i = 0; i < 10; i++) {
		/* It has all of it mapped, and then finds all of it gone. */
		wait_count(pid, &w->passes);
		ASSERT_EQ(0, region_revoke(&self->r, 1));
		set_mode(mem, STATUS);
		wait_count(pid, &w->signals);
		set_mode(mem, DATA);
		ASSERT_EQ(0, region_revoke(&self->r, 0));
	}
	store_byte(&w->end, 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(DATA, load_byte(self->map));
	munmap(mem, SIZE);
	close(fd);
}

static bool iomem_has(const char *name)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256], end[96];
	bool found = false;

	snprintf(end, sizeof(end), " : %s\n", name);
	while (file && fgets(line, sizeof(line), file))
		found |= !!strstr(line, end);
	if (file)
		fclose(file);
	return found;
}

/* The range is claimed for the life of the region, and free after it. */
/* ids: ME-29 */
TEST_F(window, claims_its_range)
{
	struct region other;
	char attrs[96], mode[64];

	EXPECT_TRUE(iomem_has(self->r.name));
	if (CACHE_MODES_SHOWN)
		EXPECT_STREQ(reservation(variant->cache),
			     reserved_as(WINDOW_PHYS, SIZE, mode, sizeof(mode)));
	snprintf(attrs, sizeof(attrs), "backing=window size=PAGE phys=%#llx",
		 WINDOW_PHYS + SIZE - PAGE);
	EXPECT_EQ(-EBUSY, region_create(&other, attrs));

	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_FALSE(iomem_has(self->r.name));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	/* mm core keeps the mode of what it has mapped itself, until munmap. */
	if (variant->eager)
		munmap(self->map, SIZE);
	EXPECT_STREQ("", reserved_as(WINDOW_PHYS, SIZE, mode, sizeof(mode)));
	ASSERT_EQ(0, region_create(&other, attrs));
	EXPECT_EQ(0, region_destroy(&other));
}

/* Where the first line of /proc/iomem with this name begins. */
static u64 iomem_find(const char *name)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256], end[96];
	u64 start = 0;

	snprintf(end, sizeof(end), " : %s\n", name);
	while (file && !start && fgets(line, sizeof(line), file))
		if (strstr(line, end))
			start = strtoull(line, NULL, 16);
	if (file)
		fclose(file);
	return start;
}

static int try_phys(u64 phys, const char *size)
{
	struct region r;
	char attrs[96];
	int err;

	snprintf(attrs, sizeof(attrs), "backing=window size=%s phys=%#llx",
		 size, phys);
	err = region_create(&r, attrs);
	if (!err)
		region_destroy(&r);
	return err;
}

/* x86 knows how far addresses go; others find that they cannot map it. */
#ifdef __x86_64__
#define NOWHERE (-EINVAL)
#else
#define NOWHERE (-ENOMEM)
#endif

/* RAM, or a byte of it at either end; what a driver has; what is nowhere. */
TEST(window_refusals)
{
	u64 claimed = iomem_find("PNP0103:00") ?: iomem_find("pl011@9000000");
	u64 kernel = iomem_find("Kernel code");

	ASSERT_NE(0, claimed);
	ASSERT_NE(0, kernel);
	EXPECT_EQ(-EPERM, try_phys(kernel, "PAGE"));
	EXPECT_EQ(-EPERM, try_phys(WINDOW_PHYS - 65536, "128K"));
	EXPECT_EQ(-EPERM, try_phys(WINDOW_PHYS + WINDOW_SIZE - 65536, "128K"));
	EXPECT_EQ(-EPERM, try_phys(0, "8G"));
	EXPECT_EQ(-EBUSY, try_phys(claimed, "PAGE"));
	EXPECT_EQ(-EINVAL, try_phys(WINDOW_PHYS + 1, "PAGE"));
	EXPECT_EQ(NOWHERE, try_phys(1ULL << 60, "PAGE"));
	EXPECT_EQ(NOWHERE, try_phys(-PAGE, "PAGE"));
	EXPECT_EQ(-EINVAL, try_phys(-65536ULL, "128K"));
	EXPECT_EQ(0, try_phys(WINDOW_PHYS + WINDOW_SIZE - PAGE, "PAGE"));
}

TEST(window_attributes)
{
	static const char * const bad[] = {
		"backing=window size=PAGE pin=1",
		"backing=window size=PAGE dma32=1",
		"backing=window size=PAGE granule=64K",
		"backing=window size=PAGE numa_node=0",
		"backing=window size=PAGE cache=wt",
		"size=PAGE cache=uc",
		"backing=contig size=PAGE cache=wc",
		"backing=pages size=PAGE phys=0x240000000",
	};
	struct region r;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, region_create(&r, bad[i])) {
			TH_LOG("%s", bad[i]);
		}
	}
	/* RAM is write-back, and cache=wb is accepted. */
	ASSERT_EQ(0, region_create(&r, "size=PAGE cache=wb"));
	EXPECT_EQ(0, region_destroy(&r));
}

TEST(window_capability)
{
	struct region r;

	ASSERT_EQ(0, region_create(&r, "backing=window size=PAGE"));
	ASSERT_EQ(0, drop_capability(CAP_SYS_RAWIO));
	EXPECT_EQ(-EPERM, try_phys(WINDOW_PHYS + SIZE, "PAGE"));
	EXPECT_EQ(-1, open(r.node, O_RDONLY));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, region_destroy(&r));

	/* RAM is no danger to anybody else. */
	ASSERT_EQ(0, region_create(&r, "size=PAGE"));
	EXPECT_LE(0, open(r.node, O_RDONLY));
	EXPECT_EQ(0, region_destroy(&r));
}

TEST(window_needs_allow_phys)
{
	ASSERT_EQ(0, module_unload("mapdev"));
	ASSERT_EQ(0, module_load("mapdev", ""));
	EXPECT_EQ(-EPERM, try_phys(WINDOW_PHYS, "PAGE"));
	ASSERT_EQ(0, module_unload("mapdev"));
	EXPECT_EQ(EPERM, module_load("mapdev", "regions=w:64K:window:phys=0x240000000"));
	ASSERT_EQ(0, module_load("mapdev", "allow_phys=1 regions=w:64K:window:phys=0x240000000"));
	EXPECT_EQ(0, access("/dev/mapdev/w", F_OK));
	ASSERT_EQ(0, module_unload("mapdev"));
	EXPECT_FALSE(iomem_has("w"));
	ASSERT_EQ(0, module_load("mapdev", "allow_phys=1"));
}

TEST_HARNESS_MAIN
