// SPDX-License-Identifier: GPL-2.0
/*
 * The ends that a region's users can come to, for each backing and map mode:
 * the limit of a memory cgroup, the OOM killer, kill -9 wherever they wait.
 */
#include <poll.h>

#include "semantics.h"

#define LIMIT (8UL << 20)
#define LARGE (16UL << 20)

static char group[64];

static int group_write(const char *file, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return write_file(path, value);
}

static long group_value(const char *file, const char *key)
{
	char path[96], word[32];
	long value, found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (!key)
		fscanf(f, "%ld", &found);
	else
		while (fscanf(f, "%31s %ld", word, &value) == 2)
			if (!strcmp(word, key))
				found = value;
	fclose(f);
	return found;
}

/* What is charged; some of what was freed is still on its way back, not for ever. */
static long group_memory(long below)
{
	for (int i = 0; i < 100; i++) {
		if (group_value("memory.current", NULL) < below)
			break;
		usleep(100000);
	}
	return group_value("memory.current", NULL);
}

/* What mm core keeps charged for the next ones, 64 pages for each CPU, or half a limit. */
static long little(void)
{
	long kept = sysconf(_SC_NPROCESSORS_ONLN) * 64 * page;

	return kept > (long)LIMIT / 2 ? kept : (long)LIMIT / 2;
}

static int group_make(void)
{
	char value[32];

	snprintf(group, sizeof(group), "/sys/fs/cgroup/mapdev-%d", getpid());
	snprintf(value, sizeof(value), "%lu", LIMIT);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(group, 0755))
		return -errno;
	return group_write("memory.max", value);
}

static int group_enter(void)
{
	return group_write("cgroup.procs", "0");
}

/*
 * The OOM killer prints a call trace, which whoever watches the console takes
 * for a bug. Meanwhile it goes to the log only, and is looked at here.
 */
static int quiet(char *old, size_t size)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	lseek(fd, 0, SEEK_END);
	read_line("/proc/sys/kernel/printk", old, size);
	write_file("/proc/sys/kernel/printk", "1");
	return fd;
}

/*
 * What is too low for them is left out when they come to it, by threads of their
 * own, or by who shows the consoles. Returns when they have nothing left.
 */
static void wait_for_consoles(void)
{
	DIR *dir = opendir("/proc");
	char path[300], line[64];
	struct dirent *entry;

	read_line("/proc/consoles", line, sizeof(line));
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (!strncmp(read_line(path, line, sizeof(line)), "pr/", 3))
			wait_asleep(atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
}

static int loud(int fd, const char *old)
{
	static const char * const bad[] = { "WARNING:", "BUG", "INFO: possible",
					    "Bad page", "UBSAN:" };
	char record[8192];
	int count = 0;
	ssize_t n;

	wait_for_consoles();
	write_file("/proc/sys/kernel/printk", old);
	while ((n = read(fd, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			count += !!strstr(record, bad[i]);
	}
	close(fd);
	return count;
}

/* Paged is charged to who touches first, and the limit is a limit. */
TEST_F_TIMEOUT(semantics, memcg_touch, 120)
{
	bool paged = self->class == PAGED;
	struct region r;
	char attrs[96], printk[64];
	u8 *map = NULL;
	int fd, log;
	pid_t pid;

	snprintf(attrs, sizeof(attrs), "size=%lu %s", LARGE, variant->attrs);
	ASSERT_EQ(0, region_create(&r, attrs));
	fd = open(r.node, O_RDWR);
	ASSERT_EQ(0, try_mmap(fd, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
			      &map));
	ASSERT_EQ(0, group_make());
	log = quiet(printk, sizeof(printk));
	pid = fork();
	if (!pid) {
		if (group_enter())
			_exit(1);
		stamp(map, LARGE, 1);
		_exit(0);
	}
	EXPECT_EQ(paged ? KILLED_BY(SIGKILL) : 0, ended(pid));
	EXPECT_EQ(0, loud(log, printk));
	EXPECT_EQ(paged, group_value("memory.events", "oom_kill"));
	EXPECT_EQ(paged, group_value("memory.current", NULL) > LIMIT / 2);

	/* The region still works for a task below its limit. */
	stamp(map, LARGE, 2);
	EXPECT_EQ(LARGE, unstamped(map, 0, LARGE, 2));
	munmap(map, LARGE);
	close(fd);
	EXPECT_EQ(0, region_destroy(&r));
	EXPECT_EQ(0, rmdir(group));
}

/* Pages and vmalloc are charged to the creator of the region, contig is not charged. */
TEST_F_TIMEOUT(semantics, memcg_create, 120)
{
	bool charged = variant->type == MAPDEV_PAGES ||
		       variant->type == MAPDEV_VMALLOC;
	struct region *r = mmap(NULL, page, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char attrs[96];
	pid_t pid;
	int how;

	snprintf(attrs, sizeof(attrs), "size=%lu %s", LARGE, variant->attrs);
	ASSERT_EQ(0, group_make());
	pid = fork();
	if (!pid) {
		if (group_enter())
			_exit(255);
		_exit(-region_create(r, attrs));
	}
	how = ended(pid);
	if (charged) {
		EXPECT_EQ(ENOMEM, how);
		EXPECT_NE(0, access(r->node, F_OK));
	} else {
		EXPECT_EQ(0, how);
	}
	/* A failed creation leaves nothing. */
	EXPECT_GT(little(), group_memory(little()));
	region_destroy(r);
	EXPECT_EQ(0, rmdir(group));
}

/* A process that uses a region in every way until it is killed. */
static void storm(const struct region *r, int started)
{
	u8 buf[256];

	for (unsigned int turn = 0;; turn++) {
		int fd = open(r->node, O_RDWR);
		u8 *map = NULL;

		if (fd >= 0 && !try_mmap(fd, SIZE, PROT_READ | PROT_WRITE,
					 MAP_SHARED, 0, &map)) {
			for (size_t i = 0; i < SIZE; i += 4 * page)
				touch(map + i, i & page);
			madvise(map + HUGE, page, MADV_DONTNEED);
			pread(fd, buf, sizeof(buf), turn * page % SIZE);
			pwrite(fd, map + SIZE - page, page, 0);
			mprotect(map, page, PROT_NONE);
			munmap(map + HUGE, page);
			munmap(map, SIZE);
		}
		close(fd);
		if (!turn)
			write(started, "x", 1);
	}
}

/*
 * Killed wherever it was: in a fault, in a copy, behind a revoke. The counters
 * are those of each mapping's life: what has begun has ended.
 */
TEST_F(semantics, kill_storm)
{
	pid_t pids[4];
	int fds[2];
	char byte;

	munmap(self->map, SIZE);
	ASSERT_EQ(0, pipe(fds));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			storm(&self->r, fds[1]);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		ASSERT_EQ(1, read(fds[0], &byte, 1));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_EQ(0, region_revoke(&self->r, 1));
		EXPECT_EQ(0, kill(pids[i], SIGKILL));
		EXPECT_EQ(0, region_revoke(&self->r, 0));
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		EXPECT_EQ(KILLED_BY(SIGKILL), ended(pids[i]));
	close(self->fd);
	if (self->class != PAGED) {
		EXPECT_EQ(region_stat(&self->r, "close"),
			  region_stat(&self->r, "mapped") +
			  region_stat(&self->r, "open"));
	}
	EXPECT_EQ(0, region_destroy(&self->r));
}

/* A task killed in poll() leaves the wait queue of the region. */
TEST_F(semantics, kill_poll)
{
	struct pollfd p = { .fd = self->fd };
	int fds[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		write(fds[1], "x", 1);
		poll(&p, 1, -1);
		_exit(0);
	}
	ASSERT_EQ(1, read(fds[0], &byte, 1));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(KILLED_BY(SIGKILL), ended(pid));
	EXPECT_EQ(0, region_revoke(&self->r, 1));
}

/* Killed while it creates a region: the region is complete, or absent. */
TEST_F(semantics, kill_create)
{
	struct region *r = mmap(NULL, page, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char attrs[96], path[128];
	pid_t pid;
	int fd;

	snprintf(attrs, sizeof(attrs), "size=128M %s", variant->attrs);
	pid = fork();
	if (!pid) {
		region_create(r, attrs);
		for (;;)
			pause();
	}
	/* The name, then the directory, then the memory. */
	do {
		snprintf(path, sizeof(path), CONFIGFS "/%s/live",
			 load_byte((u8 *)r->name) ? r->name : "none");
	} while (access(path, F_OK));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(KILLED_BY(SIGKILL), ended(pid));
	fd = open(r->node, O_RDWR);
	EXPECT_TRUE(fd >= 0 || errno == ENOENT);
	close(fd);
	EXPECT_EQ(0, region_destroy(r));
	EXPECT_NE(0, access(r->node, F_OK));
}

TEST_HARNESS_MAIN
