// SPDX-License-Identifier: GPL-2.0
/* The states of a region: live, revoked, restored, retired. */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

#include "test.h"

#define SIZE 1048576

FIXTURE(state) {
	struct region r;
	u8 *map;
	int fd;
};

FIXTURE_EACH_BACKING(state)

FIXTURE_SETUP(state)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	self->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	fill(self->map, 0, SIZE, 1);
}

FIXTURE_TEARDOWN(state)
{
	munmap(self->map, SIZE);
	close(self->fd);
	/* Some cases have done so themselves. */
	region_destroy(&self->r);
}

/* ids: LK-57 */
TEST_F(state, revoked_region_is_unusable)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct mapdev_info info = { .size = sizeof(info) };
	char byte;

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(BUS_ADRERR, touch_code);
	EXPECT_EQ(SIGBUS, touch_write(self->map + SIZE - 1));
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, open(self->r.node, O_RDWR));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(ENODEV, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, 0,
				   NULL));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP, p.revents);
	EXPECT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_REVOKED, info.state);
	EXPECT_EQ(-EALREADY, region_revoke(&self->r, 1));
}

/* Mappings work again at the same address, and no data is lost. */
TEST_F(state, restored_region_works)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN | POLLOUT };
	u8 byte;

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ((size_t)SIZE, differs(self->map, 0, SIZE, 1));
	EXPECT_EQ(0, touch_write(self->map));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, 1));
	EXPECT_EQ(pattern(1, 1), byte);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, p.revents);
	EXPECT_EQ(-EALREADY, region_revoke(&self->r, 0));
}

TEST_F(state, retired_region_is_unusable)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct mapdev_info info = { .size = sizeof(info) };
	char byte;

	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, pwrite(self->fd, "x", 1, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, open(self->r.node, O_RDWR));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(ENODEV, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, 0,
				   NULL));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP | POLLERR, p.revents);
	EXPECT_EQ(0, ioctl(self->fd, MAPDEV_IOC_INFO, &info));
	EXPECT_EQ(MAPDEV_RETIRED, info.state);
	EXPECT_EQ(-1, region_stat(&self->r, "mapped"));
}

/* Only root may read the number of mappings, which covers all processes. */
TEST_F(state, mappings_are_counted)
{
	char path[128], line[64];
	struct stat st;
	u8 *map;

	snprintf(path, sizeof(path), CLASS "/%s/mappings", self->r.name);
	EXPECT_STREQ("1", read_line(path, line, sizeof(line)));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_STREQ("2", read_line(path, line, sizeof(line)));
	munmap(map, SIZE);
	EXPECT_STREQ("1", read_line(path, line, sizeof(line)));
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0400, st.st_mode & 07777);
}

/* A page dropped from a fault-around range faults in again. */
TEST_F(state, dropped_page_faults_in)
{
	size_t page = sysconf(_SC_PAGESIZE);

	EXPECT_EQ((size_t)SIZE, differs(self->map, 0, SIZE, 1));
	for (size_t offset = 0; offset < 32 * page && offset < SIZE; offset += page) {
		if (madvise(self->map + offset, page, MADV_DONTNEED)) {
			/* MADV_DONTNEED refuses VM_PFNMAP. */
			EXPECT_EQ(EINVAL, errno);
			EXPECT_TRUE(maps_frames(variant->type, variant->attrs));
			return;
		}
		EXPECT_EQ(page, differs(self->map + offset, offset, page, 1));
	}
}

/* ptrace access fails like the program's own. */
TEST_F(state, proc_mem)
{
	int mem = open("/proc/self/mem", O_RDWR);
	off_t at = (off_t)(unsigned long)(self->map + 4096 + 100);
	u8 buf[5000];

	ASSERT_LE(0, mem);
	ASSERT_EQ((ssize_t)sizeof(buf), pread(mem, buf, sizeof(buf), at));
	EXPECT_EQ(sizeof(buf), differs(buf, 4096 + 100, sizeof(buf), 1));
	ASSERT_EQ(2, pwrite(mem, "xy", 2, at + 3995));
	EXPECT_EQ('x', self->map[4096 + 100 + 3995]);
	EXPECT_EQ('y', self->map[4096 + 100 + 3996]);
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_NONE));
	EXPECT_EQ(-1, pread(mem, buf, 1, at));
	ASSERT_EQ(0, mprotect(self->map, SIZE, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(-1, pread(mem, buf, 1, at));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, pwrite(mem, "x", 1, at));
	EXPECT_EQ(EIO, errno);
	close(mem);
}

/* live=0 and live=1 again: another region, which the old mapping never sees. */
TEST_F(state, live_again_is_new_region)
{
	int fd;

	ASSERT_EQ(0, region_set(&self->r, "live", "0"));
	EXPECT_EQ(-EALREADY, region_set(&self->r, "live", "0"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	EXPECT_EQ(0, region_set(&self->r, "size", "2M"));
	ASSERT_EQ(0, region_set(&self->r, "live", "1"));
	EXPECT_EQ(-EALREADY, region_set(&self->r, "live", "1"));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * SIZE, lseek(fd, 0, SEEK_END));
	close(fd);
}

/* A child that sleeps in poll(2) and exits with what that reports. */
static pid_t start_poll(int fd, short events)
{
	u8 *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd p = { .fd = fd, .events = events };
	pid_t pid = fork();

	if (!pid) {
		/* Only a wake-up ends this wait with success. */
		alarm(10);
		store_byte(ready, 1);
		poll(&p, 1, -1);
		_exit(p.revents);
	}
	/* If it were awake, poll() would return the state without waiting. */
	while (!load_byte(ready))
		sched_yield();
	wait_asleep(pid);
	munmap(ready, 4096);
	return pid;
}

static int end_poll(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int open_state(const struct region *r)
{
	char path[128];

	snprintf(path, sizeof(path), CLASS "/%s/state", r->name);
	return open(path, O_RDONLY);
}

static const char *read_state(int fd, char *line, size_t size)
{
	ssize_t length = pread(fd, line, size - 1, 0);

	line[length < 0 ? 0 : length] = '\0';
	return line;
}

/* ids: LK-16 */
TEST_F(state, poll_wakes)
{
	pid_t pid = start_poll(self->fd, 0);

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(POLLHUP, end_poll(pid));
}

/* Each change is an edge, with what the region reports now. */
TEST_F(state, epoll_edge_per_change)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(0);

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, event.events);
	ASSERT_EQ(0, epoll_wait(epoll, &event, 1, 0));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLHUP, event.events);
	ASSERT_EQ(0, epoll_wait(epoll, &event, 1, 0));

	ASSERT_EQ(0, region_revoke(&self->r, 0));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, event.events);
	ASSERT_EQ(0, epoll_wait(epoll, &event, 1, 0));

	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLHUP | EPOLLERR, event.events);
	close(epoll);
}

/* A file in sysfs tells a change since it was read, be it polled before or after. */
TEST_F(state, sysfs_reports_state)
{
	int fd = open_state(&self->r);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char line[64];
	pid_t pid;

	ASSERT_LE(0, fd);
	EXPECT_STREQ("live\n", read_state(fd, line, sizeof(line)));
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLPRI | POLLERR, p.revents);

	EXPECT_STREQ("revoked\n", read_state(fd, line, sizeof(line)));
	EXPECT_EQ(0, poll(&p, 1, 0));
	pid = start_poll(fd, POLLPRI);
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	EXPECT_EQ(POLLPRI | POLLERR, end_poll(pid));

	/* Retire is an edge, too. */
	EXPECT_STREQ("live\n", read_state(fd, line, sizeof(line)));
	pid = start_poll(fd, POLLPRI);
	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(POLLPRI | POLLERR, end_poll(pid));
	EXPECT_EQ(-1, pread(fd, line, sizeof(line), 0));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
}

/* Two nodes are two inodes, and one mapping space. */
/* ids: PA-25 */
TEST_F(state, two_nodes)
{
	char path[64];
	struct stat st;
	u8 *map;
	int fd;

	ASSERT_EQ(0, fstat(self->fd, &st));
	snprintf(path, sizeof(path), "/dev/mapdev-%d", getpid());
	ASSERT_EQ(0, mknod(path, S_IFCHR | 0600, st.st_rdev));
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ((size_t)SIZE, differs(map, 0, SIZE, 1));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(SIGBUS, touch_read(map));
	EXPECT_EQ(SIGBUS, touch_read(self->map));
	ASSERT_EQ(0, region_revoke(&self->r, 0));
	map[5] = 55;
	EXPECT_EQ(55, self->map[5]);
	munmap(map, SIZE);
	close(fd);
	unlink(path);
}

/* Private copies survive a revoke. */
/* ids: PA-27 ME-39 */
TEST_F(state, private_copy_survives)
{
	u8 *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		       self->fd, 0);

	if (variant->type != MAPDEV_PAGED) {
		EXPECT_EQ(MAP_FAILED, map);
		EXPECT_EQ(EINVAL, errno);
		return;
	}
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 99;
	ASSERT_EQ(0, touch_read(map + SIZE - 1));
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(0, touch_read(map));
	EXPECT_EQ(99, map[0]);
	EXPECT_EQ(SIGBUS, touch_read(map + SIZE - 1));
	munmap(map, SIZE);
}

/* Attributes are locked while live, and can be read. */
TEST_F(state, attributes_lock_while_live)
{
	char path[192], line[64];

	if (variant->type != MAPDEV_PAGED)
		EXPECT_EQ(-EBUSY, region_set(&self->r, "size", "2M"));
	EXPECT_EQ(-EBUSY, region_set(&self->r, "ro", "1"));
	snprintf(path, sizeof(path), CLASS "/%s/state", self->r.name);
	EXPECT_STREQ("live", read_line(path, line, sizeof(line)));
	region_revoke(&self->r, 1);
	EXPECT_STREQ("revoked", read_line(path, line, sizeof(line)));
	snprintf(path, sizeof(path), CLASS "/%s/revoked", self->r.name);
	EXPECT_STREQ("1", read_line(path, line, sizeof(line)));
	snprintf(path, sizeof(path), CONFIGFS "/%s/size", self->r.name);
	EXPECT_STREQ("1048576", read_line(path, line, sizeof(line)));
}

/* A dirty log that was not empty before a revoke is an edge again after it. */
TEST(epoll_edge_keeps_dirty)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	int epoll = epoll_create1(0), fd;
	struct region r;

	ASSERT_EQ(0, region_create(&r, "size=1M dirty=1"));
	fd = open(r.node, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	ASSERT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLPRI, event.events);

	ASSERT_EQ(0, region_revoke(&r, 1));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	ASSERT_EQ(0, region_revoke(&r, 0));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(EPOLLPRI, event.events);
	close(epoll);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
}

/* Start a program of the manual page on a region; what it prints is in @output. */
static pid_t start_example(char *name, struct region *r, FILE **output)
{
	return start_program((char *[]) { name, r->node, NULL }, output);
}

static const char *next_line(FILE *output, char *line, size_t size)
{
	return fgets(line, size, output) ?: "the end";
}

TEST(example_count)
{
	struct region r;
	FILE *output;
	char line[64], wanted[64];
	pid_t pid;

	ASSERT_EQ(0, region_create(&r, "size=1M"));
	for (int i = 1; i <= 2; i++) {
		pid = start_example("count.example", &r, &output);
		ASSERT_LT(0, pid);
		snprintf(wanted, sizeof(wanted), "%d bytes, run %d\n", SIZE, i);
		EXPECT_STREQ(wanted, next_line(output, line, sizeof(line)));
		EXPECT_EQ(0, end_program(pid, output));
	}
	EXPECT_EQ(0, region_destroy(&r));
}

TEST(example_watch)
{
	struct region r;
	FILE *output;
	char line[64];
	pid_t pid;

	ASSERT_EQ(0, region_create(&r, "size=1M"));
	pid = start_example("watch.example", &r, &output);
	ASSERT_LT(0, pid);
	for (int i = 0; i < 2; i++) {
		EXPECT_STREQ("live\n", next_line(output, line, sizeof(line)));
		wait_asleep(pid);
		ASSERT_EQ(0, region_revoke(&r, 1));
		EXPECT_STREQ("gone\n", next_line(output, line, sizeof(line)));
		/* It sleeps until the restore wakes it. */
		wait_asleep(pid);
		ASSERT_EQ(0, region_revoke(&r, 0));
	}
	EXPECT_STREQ("live\n", next_line(output, line, sizeof(line)));
	ASSERT_EQ(0, region_destroy(&r));
	EXPECT_STREQ("gone\n", next_line(output, line, sizeof(line)));
	EXPECT_STREQ("the end", next_line(output, line, sizeof(line)));
	EXPECT_EQ(0, end_program(pid, output));
}

/* Every bad value is refused where it is written, and leaves nothing. */
TEST(bad_attributes)
{
	const struct {
		const char *attrs;
		int err;
	} cases[] = {
		{ "size=0", -EINVAL },
		{ "size=65537", -EINVAL },
		{ "size=x", -EINVAL },
		{ "size=1M backing=none", -EINVAL },
		{ "size=1M granule=3K", -EINVAL },
		{ "size=1M numa_node=99", -EINVAL },
		{ "size=1M mode=9", -EINVAL },
		{ "size=1M ro=2", -EINVAL },
		{ "size=1M colour=red", -ENOENT },
		{ "size=1M map=eager", -EINVAL },
		{ "size=1M pin=1", -EINVAL },
		{ "size=1M dma32=1", -EINVAL },
		{ "size=1M backing=pages granule=64K", -EINVAL },
		{ "size=1M backing=vmalloc pin=1", -EINVAL },
		{ "size=1M backing=contig map=lazy", -EINVAL },
		{ "size=4194304G", -ENOSPC },
		{ "granule=PAGE", -EINVAL },
	};
	struct region r;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].err, region_create(&r, cases[i].attrs)) {
			TH_LOG("%s", cases[i].attrs);
		}
		EXPECT_NE(0, access(r.node, F_OK));
	}
}

TEST(bad_names)
{
	char name[80];

	EXPECT_EQ(-1, mkdir(CONFIGFS "/.hidden", 0755));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mkdir(CONFIGFS "/with blank", 0755));
	EXPECT_EQ(EINVAL, errno);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	EXPECT_EQ(0, chdir(CONFIGFS));
	EXPECT_EQ(-1, mkdir(name, 0755));
	EXPECT_EQ(ENAMETOOLONG, errno);
	name[63] = '\0';
	EXPECT_EQ(0, mkdir(name, 0755));
	EXPECT_EQ(0, rmdir(name));
}

TEST_HARNESS_MAIN
