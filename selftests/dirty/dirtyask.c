// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: format of reports, reports that cannot be delivered, permissions,
 * and poll.
 */
#include <poll.h>
#include <sched.h>
#include <sys/time.h>

#include "dirty_region.h"

/* --- Reports --- */

TEST_F(dirty, collect_in_parts)
{
	const u32 rooms[] = { 1, 2, 3, 7, 512 };
	struct units got;

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		/* Every third unit, and two neighbours. */
		for (u64 unit = 0; unit < self->log.count; unit++) {
			if (unit % 3 && unit != 4)
				continue;
			store_byte(self->map + unit * self->log.unit, i);
			expect(&self->log, &self->want, unit * self->log.unit, 1);
		}
		ASSERT_EQ(0, collect_by(&self->log, &got, rooms[i]));
		EXPECT_EQ(-1, unlike(&self->log, &self->want, &got));
		memset(&self->want, 0, sizeof(self->want));
		EXPECT_DIRTY();
	}
}

/* Units outside of the range stay marked. */
TEST_F(dirty, collect_range)
{
	u64 unit = self->log.unit, middle = SIZE / 2 / unit * unit;
	struct mapdev_run run;
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.offset = middle,
		.length = unit,
		.runs = (uintptr_t)&run,
		.capacity = 1,
	};

	memset(self->map, 1, SIZE);
	ASSERT_EQ(0, ask(self->log.fd, &dirty));
	EXPECT_EQ(1, dirty.count);
	EXPECT_EQ(middle, run.offset);
	EXPECT_EQ(unit, run.length);
	EXPECT_EQ(middle + unit, dirty.offset);
	EXPECT_EQ(0, dirty.length);

	/* The rest is cut short at the end of the region. */
	dirty.length = ~0ULL;
	ASSERT_EQ(0, ask(self->log.fd, &dirty));
	EXPECT_EQ(1, dirty.count);
	EXPECT_EQ(middle + unit, run.offset);
	EXPECT_EQ(SIZE - middle - unit, run.length);
	EXPECT_EQ(SIZE, dirty.offset);
	EXPECT_EQ(0, dirty.length);
	ASSERT_EQ(0, ask(self->log.fd, &dirty));
	EXPECT_EQ(0, dirty.count);

	expect(&self->log, &self->want, 0, middle);
	EXPECT_DIRTY();
}

TEST_F(dirty, errors)
{
	struct {
		struct mapdev_dirty dirty;
		u64 more;
	} big = {};
	struct mapdev_run run;
	const struct mapdev_dirty good = {
		.size = sizeof(good),
		.length = SIZE,
		.runs = (uintptr_t)&run,
		.capacity = 1,
	};
	struct mapdev_dirty bad;
	int fd = open(self->log.r.node, O_RDONLY);

#define EXPECT_ERRNO(_errno, ...) do {					\
	bad = good;							\
	__VA_ARGS__;							\
	EXPECT_EQ(-(_errno), ask(self->log.fd, &bad));			\
} while (0)
	store_byte(self->map, 1);
	expect(&self->log, &self->want, 0, 1);
	EXPECT_ERRNO(EINVAL, bad.size--);
	EXPECT_ERRNO(EINVAL, bad.size = 0);
	EXPECT_ERRNO(E2BIG, bad.size = ~0U);
	EXPECT_ERRNO(EINVAL, bad.flags = 1);
	EXPECT_ERRNO(EINVAL, bad.capacity = 0);
	EXPECT_ERRNO(EINVAL, bad.offset = 1);
	EXPECT_ERRNO(EINVAL, bad.offset = self->log.unit - 1);
	EXPECT_ERRNO(EINVAL, bad.offset = SIZE + self->log.unit);
	EXPECT_ERRNO(EINVAL, bad.offset = -self->log.unit);
	EXPECT_ERRNO(EINVAL, bad.length = 1);
	EXPECT_ERRNO(EINVAL, bad.length = SIZE - 1);
	EXPECT_EQ(-EFAULT, ask(self->log.fd, NULL));
	bad = good;
	EXPECT_EQ(-EBADF, ask(fd, &bad));
	big.dirty = good;
	big.dirty.size = sizeof(big);
	big.more = 1;
	EXPECT_EQ(-E2BIG, ask(self->log.fd, &big.dirty));
	big.more = 0;
	EXPECT_EQ(0, ask(self->log.fd, &big.dirty));
	EXPECT_EQ(1, big.dirty.count);
	EXPECT_EQ(0, run.offset);
	memset(&self->want, 0, sizeof(self->want));
	EXPECT_DIRTY();
	close(fd);
}

/* Undelivered runs are reported by the next call. */
TEST_F(dirty, efault_loses_nothing)
{
	u8 *mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapdev_dirty *dirty = (void *)(mem + PAGE) - sizeof(*dirty);
	struct mapdev_run *runs = (void *)(mem + PAGE);

	FOR_EACH_PLACE(at) {
		store_byte(self->map + at, 1);
		expect(&self->log, &self->want, at, 1);
	}
	*dirty = (struct mapdev_dirty) {
		.size = sizeof(*dirty),
		.length = SIZE,
		.capacity = 100,
	};
	/* No buffer; one that ends too early; a read-only one. */
	EXPECT_EQ(-EFAULT, ask(self->log.fd, dirty));
	ASSERT_EQ(0, munmap(mem + PAGE, PAGE));
	dirty->runs = (uintptr_t)(runs - 1);
	dirty--;
	*dirty = dirty[1];
	EXPECT_EQ(-EFAULT, ask(self->log.fd, dirty));
	ASSERT_EQ(0, mprotect(mem, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, ask(self->log.fd, dirty));
	EXPECT_DIRTY();
	munmap(mem, PAGE);
}

/* The runs are delivered, but not their number. */
TEST_F(dirty, lost_count_loses_nothing)
{
	struct mapdev_run runs[64];
	u8 *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mapdev_dirty *dirty = (void *)mem;

	store_byte(self->map, 1);
	expect(&self->log, &self->want, 0, 1);
	*dirty = (struct mapdev_dirty) {
		.size = sizeof(*dirty),
		.length = SIZE,
		.runs = (uintptr_t)runs,
		.capacity = ARRAY_SIZE(runs),
	};
	ASSERT_EQ(0, mprotect(mem, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, ask(self->log.fd, dirty));
	EXPECT_DIRTY();
	munmap(mem, PAGE);
}

static void on_alarm(int sig)
{
}

FIXTURE_LIKE(by_page, dirty)
FOR_EACH_LOGGED_PAGE(VARIANT, by_page)

/* A signal ends a call before the first or after some runs, of which there are many. */
TEST_F(by_page, signals_lose_nothing)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = {};
	struct sigaction action = { .sa_handler = on_alarm };
	static struct mapdev_run runs[MAX_UNITS];
	int interrupted = 0;
	struct units got;

	if (PAGE > 4096)
		SKIP(return, "a collection is too short for a signal");
	sigaction(SIGALRM, &action, NULL);
	while (interrupted < 3) {
		struct mapdev_dirty dirty = {
			.size = sizeof(dirty),
			.length = SIZE,
			.runs = (uintptr_t)runs,
			.capacity = MAX_UNITS,
		};
		int err;

		memset(&got, 0, sizeof(got));
		for (u64 unit = 0; unit < self->log.count; unit += 2) {
			store_byte(self->map + unit * self->log.unit, 1);
			expect(&self->log, &self->want, unit * self->log.unit, 1);
		}
		setitimer(ITIMER_REAL, &often, NULL);
		do {
			err = ask(self->log.fd, &dirty);
			if (!err) {
				ASSERT_EQ(0, add_runs(&self->log, &got, runs,
						      dirty.count));
			}
			interrupted += err == -EINTR || dirty.length;
		} while (err == -EINTR || (!err && dirty.length));
		setitimer(ITIMER_REAL, &never, NULL);
		ASSERT_EQ(0, err);
		EXPECT_EQ(-1, unlike(&self->log, &self->want, &got));
		memset(&self->want, 0, sizeof(self->want));
	}
	EXPECT_DIRTY();
}

/*
 * Killed while it collects: what it was told is in memory that we share, or
 * else is still in the log.
 */
TEST_F(dirty, killed_collector_loses_nothing)
{
	struct shared {
		struct mapdev_dirty dirty;
		struct mapdev_run runs[MAX_UNITS];
		int started;
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct units got;

	for (int round = 0; round < 20; round++) {
		pid_t child;

		memset(shared, 0, sizeof(*shared));
		shared->dirty = (struct mapdev_dirty) {
			.size = sizeof(shared->dirty),
			.length = SIZE,
			.runs = (uintptr_t)shared->runs,
			.capacity = MAX_UNITS,
		};
		for (u64 unit = 0; unit < self->log.count; unit += 2)
			store_byte(self->map + unit * self->log.unit, round);
		child = fork();
		if (!child) {
			__atomic_store_n(&shared->started, 1, __ATOMIC_RELEASE);
			ask(self->log.fd, &shared->dirty);
			_exit(0);
		}
		while (!__atomic_load_n(&shared->started, __ATOMIC_ACQUIRE))
			sched_yield();
		for (int i = 0; i < round; i++)
			sched_yield();
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);

		ASSERT_EQ(0, collect(&self->log, &got));
		ASSERT_EQ(0, add_runs(&self->log, &got, shared->runs,
				      shared->dirty.count));
		for (u64 unit = 0; unit < self->log.count; unit++)
			ASSERT_EQ(!(unit % 2), !!got.is[unit]);
	}
	munmap(shared, sizeof(*shared));
}

static void *ask_slowly(void *arg)
{
	struct mapdev_dirty *dirty = arg;
	long err = ask(dirty->count, dirty);

	return (void *)err;
}

/* One consumer for each region. */
TEST_F(dirty, one_collector)
{
	struct mapdev_dirty slow_ask, other = {};
	struct mapdev_run run;
	struct units got = {};
	pthread_t thread;
	struct slow slow;
	u8 page[PAGE];
	void *err;
	int again;

	memset(page, 0, PAGE);
	store_byte(self->map, 1);
	expect(&self->log, &self->want, 0, 1);
	ASSERT_EQ(0, slow_open(&slow));
	slow_ask = (struct mapdev_dirty) {
		.size = sizeof(slow_ask),
		.length = SIZE,
		.runs = (uintptr_t)slow.mem,
		.capacity = 1,
		.count = self->log.fd,
	};
	other = slow_ask;
	other.runs = (uintptr_t)&run;
	ASSERT_EQ(0, pthread_create(&thread, NULL, ask_slowly, &slow_ask));
	slow_wait(&slow);
	again = open(self->log.r.node, O_RDWR);
	EXPECT_EQ(-EBUSY, ask(again, &other));
	EXPECT_EQ(-EBUSY, ask(self->log.fd, &other));
	/* It delays no other task. */
	store_byte(self->map + 1, 1);
	ASSERT_EQ(1, pwrite(again, page, 1, SIZE - 1));
	close(again);
	ASSERT_EQ(0, slow_go(&slow, page));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(NULL, err);
	ASSERT_EQ(1, slow_ask.count);
	ASSERT_EQ(0, add_runs(&self->log, &got, (void *)slow.mem, 1));
	EXPECT_EQ(-1, unlike(&self->log, &self->want, &got));

	expect(&self->log, &self->want, SIZE - 1, 1);
	EXPECT_DIRTY();
	slow_close(&slow);
}

/* --- poll --- */

static int events(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLPRI };

	return poll(&pfd, 1, 0) < 0 ? -errno : pfd.revents;
}

TEST_F(dirty, poll_reports_dirty)
{
	EXPECT_EQ(POLLIN, events(self->log.fd));
	load_byte(self->map + SIZE - 1);
	EXPECT_EQ(POLLIN, events(self->log.fd));
	for (int round = 0; round < 2; round++) {
		store_byte(self->map + SIZE - 1, 1);
		EXPECT_EQ(POLLIN | POLLPRI, events(self->log.fd));
		expect(&self->log, &self->want, SIZE - 1, 1);
		EXPECT_DIRTY();
		EXPECT_EQ(POLLIN, events(self->log.fd));
	}
	store_byte(self->map, 1);
	ASSERT_EQ(0, region_revoke(&self->log.r, 1));
	EXPECT_EQ(POLLHUP, events(self->log.fd));
	ASSERT_EQ(0, region_revoke(&self->log.r, 0));
	EXPECT_EQ(POLLIN | POLLPRI, events(self->log.fd));
}

TEST_F(dirty, poll_wakes_on_write)
{
	for (int by_write = 0; by_write < 2; by_write++) {
		pid_t child = fork();
		struct units got;
		int status;

		if (!child) {
			struct pollfd pfd = { self->log.fd, POLLPRI };

			_exit(poll(&pfd, 1, -1) != 1 || pfd.revents != POLLPRI);
		}
		wait_asleep(child);
		if (by_write)
			pwrite(self->log.fd, "", 1, 5 * PAGE);
		else
			store_byte(self->map + 5 * PAGE, 1);
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
		ASSERT_EQ(0, collect(&self->log, &got));
	}
}

TEST_F(dirty, info_reports_log)
{
	struct mapdev_info info = { .size = sizeof(info) };
	char path[128], line[32];

	ASSERT_EQ(0, ioctl(self->log.fd, MAPDEV_IOC_INFO, &info));
	EXPECT_TRUE(info.attributes & MAPDEV_ATTR_DIRTY);
	EXPECT_EQ(info.granule, info.dirty_unit);
	snprintf(path, sizeof(path), CLASS "/%s/dirty", self->log.r.name);
	EXPECT_STREQ("1", read_line(path, line, sizeof(line)));
}

TEST(region_without_log)
{
	static const char * const refused[] = {
		"size=1M dirty=1 backing=contig",
		"size=1M dirty=1 backing=contig map=eager",
		"size=1M dirty=1 backing=contig pin=1 map=eager",
		"size=1M dirty=1 backing=pages map=eager",
		"size=1M dirty=1 backing=vmalloc map=eager",
		"size=1M dirty=2",
	};
	struct mapdev_dirty dirty = { .size = sizeof(dirty) };
	struct mapdev_info info = { .size = sizeof(info) };
	char path[128], line[32];
	struct region r;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_EQ(-EINVAL, region_create(&r, refused[i])) {
			TH_LOG("%s", refused[i]);
		}
	}
	ASSERT_EQ(0, region_create(&r, "size=1M"));
	fd = open(r.node, O_RDWR);
	EXPECT_EQ(-EOPNOTSUPP, ask(fd, &dirty));
	ASSERT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(0, info.dirty_unit);
	EXPECT_FALSE(info.attributes & MAPDEV_ATTR_DIRTY);
	snprintf(path, sizeof(path), CLASS "/%s/dirty", r.name);
	EXPECT_STREQ("0", read_line(path, line, sizeof(line)));
	ASSERT_EQ(1, write(fd, "", 1));
	EXPECT_EQ(POLLIN, events(fd));
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

TEST_HARNESS_MAIN
