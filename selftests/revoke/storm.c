// SPDX-License-Identifier: GPL-2.0
/*
 * Revoke, restore, retire and unload against processes that map, touch, fork,
 * collect the dirty log, unmap and are killed. Nothing hangs, breaks or is left;
 * and whoever has revoked or retired a region finds that no mapping of it is
 * good for anything.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "module.h"
#include "test.h"

#define SIZE (4UL << 20)
#define WORKERS 8

static unsigned int next(unsigned int *random)
{
	*random = *random * 1103515245 + 12345;
	return *random >> 8;
}

/* --- One process of many --- */

static void touch_some(u8 *map, unsigned int *random)
{
	for (int i = 0; i < 4; i++)
		touch(map + next(random) % SIZE, i & 1);
}

static void map_and_touch(int fd, unsigned int *random)
{
	u8 *map = NULL;
	pid_t pid;

	if (try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED |
		     (next(random) % 4 ? 0 : MAP_POPULATE), 0, &map))
		return;
	touch_some(map, random);
	if (next(random) % 4 == 0) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			touch_some(map, random);
			_exit(0);
		}
		touch_some(map, random);
		waitpid(pid, NULL, 0);
	}
	munmap(map + SIZE / 2, PAGE);
	touch_some(map, random);
	munmap(map, SIZE);
}

/* Collect the dirty log; ENOTTY without one. */
static void ask_log(int fd)
{
	struct mapdev_run runs[16];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty), .length = SIZE,
		.runs = (uintptr_t)runs, .capacity = ARRAY_SIZE(runs),
	};

	ioctl(fd, MAPDEV_IOC_DIRTY, &dirty);
}

/* Any of these may fail. */
static void work(const char *node, unsigned int random, unsigned int *tries)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = open(node, O_RDWR);
		u8 buf[64];

		if (fd >= 0) {
			map_and_touch(fd, &random);
			pwrite(fd, buf, sizeof(buf), next(&random) % SIZE);
			pread(fd, buf, sizeof(buf), next(&random) % SIZE);
			ask_log(fd);
			close(fd);
		}
		__atomic_add_fetch(tries, 1, __ATOMIC_SEQ_CST);
	}
}

struct crowd {
	pid_t pids[WORKERS];
	unsigned int *tries;	/* of each, shared */
};

static void crowd_start(struct crowd *c, int i, const char *node)
{
	c->pids[i] = fork();
	if (!c->pids[i])
		work(node, i + 1, &c->tries[i]);
}

static void crowd_gather(struct crowd *c, const char *node)
{
	c->tries = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < WORKERS; i++)
		crowd_start(c, i, node);
}

/* Wait until each has begun and ended one more try. */
static void crowd_wait(struct crowd *c)
{
	unsigned int first[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		first[i] = __atomic_load_n(&c->tries[i], __ATOMIC_SEQ_CST);
	for (int i = 0; i < WORKERS; i++)
		while (__atomic_load_n(&c->tries[i], __ATOMIC_SEQ_CST) -
		       first[i] < 2)
			sched_yield();
}

/* 0 if it was alive. */
static int crowd_kill(struct crowd *c, int i)
{
	int status = 0;

	kill(c->pids[i], SIGKILL);
	waitpid(c->pids[i], &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : status;
}

static int crowd_end(struct crowd *c)
{
	int bad = 0;

	for (int i = 0; i < WORKERS; i++)
		bad |= crowd_kill(c, i);
	/* Their children, reparented to this process. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	munmap(c->tries, PAGE);
	return bad;
}

/* --- States --- */

FIXTURE(storm) {
	struct region r;
	struct crowd crowd;
};

FIXTURE_EACH_BACKING(storm)
BACKING_VARIANT(paged_dirty, "backing=paged dirty=1",
		MAPDEV_PAGED, false, storm)
BACKING_VARIANT(paged_2M_dirty, "backing=paged granule=2M dirty=1",
		MAPDEV_PAGED, false, storm)
BACKING_VARIANT(pages_dirty, "backing=pages dirty=1",
		MAPDEV_PAGES, false, storm)

FIXTURE_SETUP(storm)
{
	char attrs[96];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	snprintf(attrs, sizeof(attrs), "size=%lu %s", SIZE, variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
}

FIXTURE_TEARDOWN(storm)
{
	region_destroy(&self->r);
}

/* All writers have stopped: does the log report exactly the next writes? */
static bool log_is_sane(const struct region *r)
{
	struct mapdev_info info = { .size = sizeof(info) };
	struct mapdev_run run;
	struct mapdev_dirty dirty;
	int fd = open(r->node, O_RDWR), left = SIZE / PAGE;
	bool sane = !ioctl(fd, MAPDEV_IOC_INFO, &info);

	if (!sane || !info.dirty_unit)
		goto out;
	do {
		dirty = (struct mapdev_dirty) {
			.size = sizeof(dirty), .length = SIZE,
			.runs = (uintptr_t)&run, .capacity = 1,
		};
		sane = left-- && !ioctl(fd, MAPDEV_IOC_DIRTY, &dirty);
	} while (sane && dirty.count);
	sane &= pwrite(fd, "x", 1, SIZE - 1) == 1;
	dirty.offset = 0;
	dirty.length = SIZE;
	sane = sane && !ioctl(fd, MAPDEV_IOC_DIRTY, &dirty) &&
	       dirty.count == 1 &&
	       run.offset == SIZE - info.dirty_unit &&
	       run.length == info.dirty_unit;
out:
	close(fd);
	return sane;
}

/* The number of sampled pages that can be read. */
static int readable(u8 *map)
{
	int count = 0;

	for (size_t i = 0; i < SIZE; i += 31 * PAGE)
		count += !touch_read(map + i);
	return count;
}

#define ALL ((int)((SIZE + 31 * PAGE - 1) / (31 * PAGE)))

/* ids: MP-40 PA-33 */
TEST_F_TIMEOUT(storm, states, 120)
{
	bool paged = variant->type == MAPDEV_PAGED;
	unsigned int random = 1;
	int fd, last = at_length() ? 12 : 2;
	u8 *map = NULL;

	crowd_gather(&self->crowd, self->r.node);
	for (int round = 0; round < last; round++) {
		int victim = next(&random) % WORKERS;

		fd = open(self->r.node, O_RDWR);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE,
				      MAP_SHARED, 0, &map));
		EXPECT_EQ(ALL, readable(map));
		crowd_wait(&self->crowd);
		if (paged) {
			EXPECT_EQ(0, region_discard(fd, SIZE / 4, SIZE / 2));
			EXPECT_EQ(0, region_resize(fd, SIZE / 2));
			EXPECT_EQ(SIGBUS, touch_read(map + SIZE / 2));
			EXPECT_EQ(0, region_resize(fd, SIZE));
		}
		ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_REVOKE, 0));
		EXPECT_EQ(0, readable(map));
		EXPECT_EQ(0, crowd_kill(&self->crowd, victim));
		if (round % 3) {
			ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_RESTORE, 0));
			EXPECT_EQ(ALL, readable(map));
		}
		crowd_start(&self->crowd, victim, self->r.node);
		if (round % 2) {
			/* A new region of the same name: the old one is retired. */
			ASSERT_EQ(0, region_set(&self->r, "live", "0"));
			EXPECT_EQ(0, readable(map));
			ASSERT_EQ(0, region_set(&self->r, "live", "1"));
			EXPECT_EQ(0, readable(map));
		} else if (round % 3 == 0) {
			ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_RESTORE, 0));
		}
		munmap(map, SIZE);
		close(fd);
	}
	crowd_wait(&self->crowd);
	EXPECT_EQ(0, crowd_end(&self->crowd));
	EXPECT_TRUE(log_is_sane(&self->r));
	EXPECT_EQ(0, region_mappings(&self->r));
	if (!paged)
		EXPECT_EQ(region_stat(&self->r, "close"),
			  region_stat(&self->r, "mapped") +
			  region_stat(&self->r, "open"));
}

/* --- The module --- */

FIXTURE(unload_storm) {
	char params[128];
};

FIXTURE_SETUP(unload_storm)
{
	char line[64];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	read_line("/sys/module/mapdev/parameters/allow_phys", line,
		  sizeof(line));
	/* Loaded as before, for the programs that run next. */
	snprintf(self->params, sizeof(self->params), "%s",
		 line[0] == '1' || line[0] == 'Y' ? "allow_phys=1" : "");
	ASSERT_EQ(0, module_unload("mapdev"));
}

FIXTURE_TEARDOWN(unload_storm)
{
	EXPECT_EQ(0, module_load("mapdev", self->params));
}

/*
 * A task that uses a region keeps the module loaded. When all are killed it
 * goes; and it goes, too, from under those who only try to get in.
 */
TEST_F_TIMEOUT(unload_storm, unload, 120)
{
	static const char * const regions[] = {
		"regions=s:4M", "regions=s:4M:paged:granule=2M",
		"regions=s:4M:pages", "regions=s:4M:contig",
	};
	struct crowd crowd;
	u8 *map = NULL;
	int fd, err;

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		if (no_huge_pages() && strstr(regions[i], "granule"))
			continue;
		ASSERT_EQ(0, module_load("mapdev", regions[i]));
		fd = open("/dev/mapdev/s", O_RDWR);
		ASSERT_EQ(0, try_mmap(fd, SIZE, PROT_READ | PROT_WRITE,
				      MAP_SHARED, 0, &map));
		close(fd);
		crowd_gather(&crowd, "/dev/mapdev/s");
		for (int turn = 0; turn < 4; turn++) {
			crowd_wait(&crowd);
			EXPECT_EQ(EWOULDBLOCK, module_unload("mapdev"));
			EXPECT_EQ(ALL, readable(map));
		}
		munmap(map, SIZE);
		/* At some moment no task is inside, or all are killed. */
		for (int turn = 0; (err = module_unload("mapdev")) == EWOULDBLOCK; turn++)
			if (turn < WORKERS)
				EXPECT_EQ(0, crowd_kill(&crowd, turn));
		EXPECT_EQ(0, err);
		EXPECT_NE(0, access("/dev/mapdev/s", F_OK));
		for (int turn = 0; turn < WORKERS; turn++) {
			kill(crowd.pids[turn], SIGKILL);
			waitpid(crowd.pids[turn], NULL, 0);
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
		munmap(crowd.tries, PAGE);
	}
}

TEST_HARNESS_MAIN
