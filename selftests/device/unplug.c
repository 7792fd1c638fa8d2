// SPDX-License-Identifier: GPL-2.0
/*
 * Windows whose device goes away while programs use them, in each way that
 * there is: SIGBUS or an errno, and nothing worse; then it comes back.
 */
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "bus.h"
#include "module.h"
#include "plug.h"
#include "test.h"

#define DRIVER "mapdev_pci"
#define SHARED_SIZE (16UL << 20)
#define LARGE_SIZE 1073741824UL

/* An emulated machine that is busy takes seconds for each way out and in. */
#define ROUNDS 2
#define MIN_STORMS 3
#define STORMS 20
#define SECONDS 10

enum how { UNBIND, REMOVE, UNPLUG };

/* --- Those who use it --- */

/*
 * STORE and LOAD touch, COPY uses read(2) and write(2), PEEK reads through
 * /proc/self/mem, SPLIT maps, protects and unmaps parts, FORK hands the mapping
 * on. Each begins anew with open(2) when the device has gone.
 */
enum kind { STORE, LOAD, COPY, PEEK, SPLIT, FORK, KINDS };

struct worker {
	unsigned int served;	/* times that the window was there */
	unsigned int refused;	/* and that it was not */
	int surprise;		/* an errno, or a signal plus 1000 */
};

static struct worker *workers;
/* 0, SIGBUS or SIGSEGV plus 1000. */
static int try_touch(u8 *byte, bool store)
{
	int sig = sigsetjmp(work_jump, 0);

	if (sig)
		return 1000 + sig;
	if (store)
		store_byte(byte, 1);
	else
		load_byte(byte);
	return 0;
}

static int try_copy(int fd, off_t at)
{
	u8 buf[5000];

	if (pread(fd, buf, sizeof(buf), at) < 0)
		return errno;
	return pwrite(fd, buf, sizeof(buf), at) < 0 ? errno : 0;
}

static int try_peek(int mem, const u8 *byte)
{
	u8 buf[100];

	if (pread(mem, buf, sizeof(buf), (off_t)(unsigned long)byte) < 0)
		return errno;
	return 0;
}

/* A hole in a mapping of its own splits what is large there. */
static int try_split(int fd, size_t size, size_t at)
{
	u8 *map = NULL;
	int err = try_mmap(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			   &map);

	if (err)
		return err;
	err = try_touch(map + at, true);
	mprotect(map + at, PAGE, PROT_READ);
	munmap(map + at, PAGE);
	if (!err)
		err = try_touch(map + (at ? 0 : size - 1), true);
	munmap(map, size);
	return err;
}

static int try_fork(u8 *byte)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (!pid)
		_exit(try_touch(byte, true) == 1000 + SIGBUS);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	return status ? 1000 + SIGBUS : 0;
}

/* One use of the window; what it may fail with is in @allowed. */
static int use(enum kind job, int fd, int mem, u8 *map, size_t size,
	       size_t at, int *allowed)
{
	*allowed = 1000 + SIGBUS;
	switch (job) {
	case STORE:
	case LOAD:
		return try_touch(map + at, job == STORE);
	case COPY:
		*allowed = ENODEV;
		return try_copy(fd, at);
	case PEEK:
		*allowed = EIO;
		return try_peek(mem, map + at);
	case SPLIT:
		return try_split(fd, size, at);
	default:
		return try_fork(map + at);
	}
}

/* Use the window that is there now until it is gone; what ended it. */
static int use_until_gone(struct worker *w, enum kind job, const char *node,
			  size_t size, unsigned int *random)
{
	int fd = open(node, O_RDWR), mem = open("/proc/self/mem", O_RDONLY);
	int err = fd < 0 ? errno : 0, allowed = ENOENT;
	u8 *map = NULL;

	if (!err)
		err = try_mmap(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			       &map);
	while (!err) {
		/* What copies 5000 bytes stays inside. */
		*random = *random * 1103515245 + 12345;
		err = use(job, fd, mem, map, size,
			  ((size_t)*random << 12) % (size - 8192), &allowed);
		if (!err)
			__atomic_add_fetch(&w->served, 1, __ATOMIC_SEQ_CST);
	}
	if (map)
		munmap(map, size);
	close(fd);
	close(mem);
	/* open and mmap may fail so, and every job begins with them. */
	if (err == ENODEV || err == ENOENT || err == ENXIO)
		return 0;
	return err == allowed ? 0 : err;
}

static void work_forever(struct worker *w, enum kind job, const char *node,
			 size_t size)
{
	unsigned int random = job;

	catch_faults();
	for (;;) {
		int err = use_until_gone(w, job, node, size, &random);

		if (err)
			w->surprise = err;
		__atomic_add_fetch(&w->refused, 1, __ATOMIC_SEQ_CST);
		/* Yield to the task that brings the device back. */
		usleep(1000);
	}
}

static pid_t start_worker(enum kind job, const char *node, size_t size)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		work_forever(&workers[job], job, node, size);
	_exit(1);
}

static unsigned int get(const unsigned int *count)
{
	return __atomic_load_n(count, __ATOMIC_SEQ_CST);
}

/* Wait until each has used the window, or been refused it, from now on. */
static void wait_workers(bool served)
{
	for (int i = 0; i < KINDS; i++) {
		const unsigned int *count = served ? &workers[i].served :
					    &workers[i].refused;
		unsigned int before = get(count);

		while (get(count) - before < 2)
			sched_yield();
	}
}

/* --- How it goes and comes --- */

/* A device that is bound and in use. */
struct stage {
	struct pci_device dev;
	struct monitor monitor;
	struct region r;
	u64 size;
	pid_t pids[KINDS];
};

static void stage_set(struct __test_metadata *_metadata, struct stage *s,
		      u64 size)
{
	ASSERT_EQ(0, module_load(DRIVER, ""));
	ASSERT_EQ(0, monitor_open(&s->monitor));
	ASSERT_EQ(0, pci_find(&s->dev, IVSHMEM, 2, size));
	pci_bar(&s->dev, 2, &s->size);
	ASSERT_EQ(size, s->size);
	ASSERT_EQ(0, pci_bind(&s->dev, DRIVER));
	pci_region(&s->dev, 2, &s->r);
	workers = mmap(NULL, KINDS * sizeof(*workers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, workers);
	for (int i = 0; i < KINDS; i++) {
		s->pids[i] = start_worker(i, s->r.node, s->size);
		ASSERT_LT(0, s->pids[i]);
	}
}

static void stage_clear(struct __test_metadata *_metadata, struct stage *s)
{
	for (int i = 0; i < KINDS; i++) {
		if (s->pids[i] <= 0)
			continue;
		kill(s->pids[i], SIGKILL);
		waitpid(s->pids[i], NULL, 0);
		EXPECT_EQ(0, workers[i].surprise) {
			TH_LOG("worker %d", i);
		}
	}
	munmap(workers, KINDS * sizeof(*workers));
	pci_unbind(&s->dev);
	monitor_close(&s->monitor);
	EXPECT_EQ(0, module_unload(DRIVER));
}

static int take_away(struct pci_device *dev, struct monitor *m, enum how way,
		     const char *name)
{
	char path[160];

	switch (way) {
	case UNBIND:
		return pci_unbind(dev);
	case REMOVE:
		return write_file(pci_path(dev, "remove", path, sizeof(path)),
				  "1");
	default:
		return plug_out(m, name);
	}
}

static int give_back(struct pci_device *dev, struct monitor *m, enum how way,
		     const char *name)
{
	int err = 0;

	if (way == REMOVE)
		err = write_file("/sys/bus/pci/rescan", "1");
	else if (way == UNPLUG)
		err = plug_in(m, name);
	return err ? err : pci_bind(dev, DRIVER);
}

/* What still works through an open file. */
static void expect_gone(struct __test_metadata *_metadata,
			const struct region *r, int fd, u8 *map, size_t size)
{
	struct mapdev_info info = { .size = sizeof(info) };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char path[160];
	u8 byte;

	ASSERT_EQ(SIGBUS, touch_read(map));
	EXPECT_EQ(SIGBUS, touch_write(map + size - 1));
	EXPECT_EQ(-1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, size - 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(ENODEV, try_mmap(fd, size, PROT_READ, MAP_SHARED, 0, NULL));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP | POLLERR, p.revents);
	EXPECT_EQ(0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_RETIRED, info.state);
	EXPECT_EQ(-1, access(r->node, F_OK));
	snprintf(path, sizeof(path), CLASS "/%s", r->name);
	EXPECT_EQ(-1, access(path, F_OK));
}

FIXTURE(gone) {
	struct stage stage;
};

FIXTURE_VARIANT(gone) {
	enum how how;
	const char *name;	/* in scripts/vm/devices */
	u64 size;
};

#define GONE(_name, _how, _device, _size)				\
	FIXTURE_VARIANT_ADD(gone, _name)				\
	{ .how = _how, .name = _device, .size = _size };
GONE(unbind, UNBIND, "shared", SHARED_SIZE)
GONE(remove, REMOVE, "shared", SHARED_SIZE)
GONE(unplug, UNPLUG, "shared", SHARED_SIZE)
GONE(unplug_large, UNPLUG, "large", LARGE_SIZE)

FIXTURE_SETUP(gone)
{
	stage_set(_metadata, &self->stage, variant->size);
}

FIXTURE_TEARDOWN(gone)
{
	stage_clear(_metadata, &self->stage);
}

TEST_F_TIMEOUT(gone, while_in_use, 300)
{
	struct stage *s = &self->stage;
	u8 *map = NULL;
	int fd;

	for (int round = 0; round < ROUNDS; round++) {
		wait_workers(true);
		fd = open(s->r.node, O_RDWR);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, try_mmap(fd, s->size, PROT_READ | PROT_WRITE,
				      MAP_SHARED, 0, &map));
		ASSERT_EQ(0, touch_write(map));

		ASSERT_EQ(0, take_away(&s->dev, &s->monitor, variant->how,
				       variant->name));
		expect_gone(_metadata, &s->r, fd, map, s->size);
		wait_workers(false);
		/* An open file holds neither the module nor the device. */
		ASSERT_EQ(0, module_unload(DRIVER));
		ASSERT_EQ(0, module_load(DRIVER, ""));

		ASSERT_EQ(0, give_back(&s->dev, &s->monitor, variant->how,
				       variant->name));
		/* The new region is another one: the old mapping never shows it. */
		EXPECT_EQ(SIGBUS, touch_read(map));
		munmap(map, s->size);
		close(fd);
	}
	wait_workers(true);
}

FIXTURE(in_use) {
	struct stage stage;
};

FIXTURE_SETUP(in_use)
{
	stage_set(_metadata, &self->stage, SHARED_SIZE);
}

FIXTURE_TEARDOWN(in_use)
{
	stage_clear(_metadata, &self->stage);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Removed and added without a pause, by two independent tasks. */
TEST_F_TIMEOUT(in_use, storm, 300)
{
	struct stage *s = &self->stage;
	time_t start = now();
	int status, done;
	pid_t pid;

	wait_workers(true);
	pid = fork();
	ASSERT_LE(0, pid);
	for (done = 0; done < MIN_STORMS ||
	     (done < STORMS && now() - start < SECONDS); done++) {
		pci_unbind(&s->dev);
		pci_bind(&s->dev, DRIVER);
	}
	if (!pid)
		_exit(0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* The last of the two may have taken it away. */
	pci_unbind(&s->dev);
	ASSERT_EQ(0, pci_bind(&s->dev, DRIVER));
	wait_workers(true);
}

/* The module goes, and its devices go with it. */
TEST_F_TIMEOUT(in_use, unload, 120)
{
	struct stage *s = &self->stage;
	u8 *map = NULL;
	int fd;

	wait_workers(true);
	fd = open(s->r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, s->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      0, &map));
	ASSERT_EQ(0, module_unload(DRIVER));
	expect_gone(_metadata, &s->r, fd, map, s->size);
	wait_workers(false);
	munmap(map, s->size);
	close(fd);

	/* The device still has the driver's name in driver_override. */
	ASSERT_EQ(0, module_load(DRIVER, ""));
	EXPECT_EQ(0, access(s->r.node, F_OK));
	wait_workers(true);
}

TEST_HARNESS_MAIN
