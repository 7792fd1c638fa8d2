// SPDX-License-Identifier: GPL-2.0
/*
 * What a debugger finds in a program that has a region mapped: by ptrace(2),
 * as gdb does, and by /proc/PID/mem.
 */
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "test.h"

#define SIZE 2097152

/* A child, stopped, with the region mapped at @map. */
struct child {
	size_t page;
	u8 *map;
	pid_t pid;
	int mem;	/* its /proc/PID/mem */
};

FIXTURE(access) {
	struct region r;
	struct child c;
	u8 *buf;
	int fd;
	bool frames;
};

FIXTURE_EACH_BACKING(access)

FIXTURE_SETUP(access)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	self->c.page = sysconf(_SC_PAGESIZE);
	self->buf = malloc(SIZE);
	/* Where the child puts its mapping: with a hole before and behind. */
	self->c.map = mmap(NULL, SIZE + 2 * self->c.page, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->c.map);
	self->c.map += self->c.page;
	self->frames = maps_frames(variant->type, variant->attrs);
	self->c.pid = -1;
	self->c.mem = -1;
}

static void end_child(struct child *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		close(c->mem);
	}
	c->pid = -1;
}

FIXTURE_TEARDOWN(access)
{
	end_child(&self->c);
	close(self->fd);
	free(self->buf);
	/* One case has already removed it. */
	region_destroy(&self->r);
}

/* A result, or -errno. */
static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/*
 * A stopped child that has mapped the region and touched nothing of it; traced
 * or not. 0, or -1 and nothing to end.
 */
static int start_child(struct child *c, int fd, int prot, int flags,
		       bool trace)
{
	pid_t parent = getpid();
	char path[64];
	int status;
	u8 *map;

	c->pid = fork();
	if (!c->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		map = mmap(c->map, SIZE, prot, flags | MAP_FIXED, fd, 0);
		munmap(c->map - c->page, c->page);
		munmap(c->map + SIZE, c->page);
		if (map != c->map || getppid() != parent)
			_exit(1);
		if (trace)
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	if (c->pid < 0)
		return -1;
	if (waitpid(c->pid, &status, WUNTRACED) != c->pid ||
	    !WIFSTOPPED(status)) {
		c->pid = -1;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", c->pid);
	c->mem = open(path, O_RDWR);
	return c->mem < 0 ? -1 : 0;
}

static int traced(struct child *c, int fd)
{
	return start_child(c, fd, PROT_READ | PROT_WRITE, MAP_SHARED, true);
}

/* /proc/PID/mem by the offset in the region. */
static long mem_read(struct child *c, void *buf, size_t size,
		     ssize_t offset)
{
	return result(pread(c->mem, buf, size,
			    (off_t)(unsigned long)c->map + offset));
}

static long mem_write(struct child *c, const void *buf, size_t size,
		      ssize_t offset)
{
	return result(pwrite(c->mem, buf, size,
			     (off_t)(unsigned long)c->map + offset));
}

/* A word by ptrace; 0 or -errno. */
static int peek(struct child *c, ssize_t offset, void *word)
{
	long value;

	errno = 0;
	value = ptrace(PTRACE_PEEKDATA, c->pid, c->map + offset, NULL);
	if (value == -1 && errno)
		return -errno;
	memcpy(word, &value, sizeof(value));
	return 0;
}

static int poke(struct child *c, ssize_t offset, const void *word)
{
	long value;

	memcpy(&value, word, sizeof(value));
	return result(ptrace(PTRACE_POKEDATA, c->pid, c->map + offset,
			     value));
}

static const struct {
	size_t offset;
	size_t size;
} places[] = {
	{ 0, 1 }, { 1, 3 }, { 4095, 2 }, { 8192, 4096 }, { 12300, 9001 },
	{ 65536 - 5, 10 }, { 100001, 70007 }, { 1048576 - 4096, 8192 },
	{ SIZE - 4097, 4097 }, { SIZE - 1, 1 },
};

/* ids: LK-47 LK-78 */
TEST_F(access, reads)
{
	ASSERT_EQ(0, traced(&self->c, self->fd));
	/* An untouched page is zero. */
	memset(self->buf, 0xff, SIZE);
	ASSERT_EQ(5000, mem_read(&self->c, self->buf, 5000, SIZE / 2 + 1));
	EXPECT_TRUE(all_zero(self->buf, 5000));

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t offset = places[i].offset, size = places[i].size;

		memset(self->buf, 0, size + 1);
		ASSERT_EQ(size, mem_read(&self->c, self->buf, size, offset));
		EXPECT_EQ(size, differs(self->buf, offset, size, 1));
		EXPECT_EQ(0, self->buf[size]);
	}
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
}

/* Each write changes its range only. */
TEST_F(access, writes)
{
	u8 *model = calloc(1, SIZE);

	ASSERT_EQ(0, traced(&self->c, self->fd));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t offset = places[i].offset, size = places[i].size;

		fill(model + offset, offset, size, i);
		ASSERT_EQ(size, mem_write(&self->c, model + offset, size, offset));
	}
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(0, memcmp(model, self->buf, SIZE));

	fill(model, 0, SIZE, 99);
	ASSERT_EQ(SIZE, mem_write(&self->c, model, SIZE, 0));
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 99));
	free(model);
}

/* ids: LK-79 */
TEST_F(access, access_stops_at_end)
{
	ASSERT_EQ(0, traced(&self->c, self->fd));
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));

	ASSERT_EQ(100, mem_read(&self->c, self->buf, 9000, SIZE - 100));
	EXPECT_EQ(100, differs(self->buf, SIZE - 100, 100, 1));
	ASSERT_EQ(5000, mem_read(&self->c, self->buf, 9000, SIZE - 5000));
	EXPECT_EQ(5000, differs(self->buf, SIZE - 5000, 5000, 1));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 1, SIZE));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 8, -4));

	fill(self->buf, SIZE - 100, 9000, 2);
	ASSERT_EQ(100, mem_write(&self->c, self->buf, 9000, SIZE - 100));
	EXPECT_EQ(-EIO, mem_write(&self->c, self->buf, 1, SIZE));
	EXPECT_EQ(-EIO, mem_write(&self->c, self->buf, 8, -4));
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE - 100, differs(self->buf, 0, SIZE - 100, 1));
	EXPECT_EQ(100, differs(self->buf + SIZE - 100, SIZE - 100, 100, 2));
}

/* ids: LK-78 */
TEST_F(access, ptrace)
{
	const size_t offsets[] = { 0, 3, 4096 - 4, 4096 - 1, 65536 - 2,
				   SIZE / 2 + 16, SIZE - sizeof(long) };
	u8 word[sizeof(long)];

	ASSERT_EQ(0, traced(&self->c, self->fd));
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		ASSERT_EQ(0, peek(&self->c, offsets[i], word));
		EXPECT_TRUE(all_zero(word, sizeof(word)));
		fill(word, offsets[i], sizeof(word), i);
		ASSERT_EQ(0, poke(&self->c, offsets[i], word));
		memset(word, 0, sizeof(word));
		ASSERT_EQ(0, peek(&self->c, offsets[i], word));
		EXPECT_EQ(sizeof(word), differs(word, offsets[i], sizeof(word), i));
		ASSERT_EQ(sizeof(word), pread(self->fd, word, sizeof(word),
					      offsets[i]));
		EXPECT_EQ(sizeof(word), differs(word, offsets[i], sizeof(word), i));
		/* Each by itself. */
		memset(word, 0, sizeof(word));
		ASSERT_EQ(sizeof(word), pwrite(self->fd, word, sizeof(word),
					       offsets[i]));
	}
	EXPECT_EQ(-EIO, peek(&self->c, SIZE - 1, word));
	EXPECT_EQ(-EIO, peek(&self->c, SIZE, word));
	EXPECT_EQ(-EIO, peek(&self->c, -1, word));
	EXPECT_EQ(-EIO, poke(&self->c, SIZE - 1, word));
	EXPECT_EQ(-EIO, poke(&self->c, SIZE, word));
	EXPECT_EQ(-EIO, poke(&self->c, -1, word));
}

/* The program reads what the debugger wrote, and the reverse. */
TEST_F(access, writes_reach_program)
{
	pid_t parent = getpid(), pid;
	char path[64];
	int mem, status;
	u8 *map = NULL;

	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      0, &map));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		fill(map, 0, SIZE / 2, 1);
		raise(SIGSTOP);
		_exit(differs(map, 0, SIZE, 2) != SIZE);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	ASSERT_LE(0, mem);
	ASSERT_EQ(SIZE, pread(mem, self->buf, SIZE, (off_t)(unsigned long)map));
	EXPECT_EQ(SIZE / 2, differs(self->buf, 0, SIZE / 2, 1));
	EXPECT_TRUE(all_zero(self->buf + SIZE / 2, SIZE / 2));
	fill(self->buf, 0, SIZE, 2);
	ASSERT_EQ(SIZE, pwrite(mem, self->buf, SIZE, (off_t)(unsigned long)map));
	close(mem);
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	munmap(map, SIZE);
}

/*
 * A debugger may write where the program may not, but only into a private copy:
 * a shared mapping that is not writable stays as it is, whether it could be made
 * writable (the file is) or not.
 */
/* ids: LK-79 */
TEST_F(access, read_only)
{
	int fds[] = { open(self->r.node, O_RDONLY), self->fd };
	u8 word[sizeof(long)] = { 9, 9, 9, 9 };

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, start_child(&self->c, fds[i], PROT_READ, MAP_SHARED, true));
		EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
		EXPECT_EQ(-EIO, poke(&self->c, 4096, word));
		ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
		EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
		/* Nor where it was touched. */
		EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
		EXPECT_EQ(-EIO, poke(&self->c, 4096, word));
		end_child(&self->c);
	}
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
	close(fds[0]);
}

/* A breakpoint in a private mapping is in a private page. */
TEST_F(access, private_read_only)
{
	u8 word[sizeof(long)] = { 9, 9, 9, 9 }, got[sizeof(long)];
	int fd = open(self->r.node, O_RDONLY);

	if (variant->type != MAPDEV_PAGED) {
		EXPECT_NE(0, start_child(&self->c, fd, PROT_READ, MAP_PRIVATE, true));
		close(fd);
		return;
	}
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	ASSERT_EQ(0, start_child(&self->c, fd, PROT_READ, MAP_PRIVATE, true));
	ASSERT_EQ(0, poke(&self->c, self->c.page, word));
	ASSERT_EQ(sizeof(word), mem_write(&self->c, word, sizeof(word), 2 * self->c.page));
	ASSERT_EQ(0, peek(&self->c, self->c.page, got));
	EXPECT_EQ(0, memcmp(word, got, sizeof(word)));
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));

	/* The private copies survive the region. */
	ASSERT_EQ(0, region_revoke(&self->r, 1));
	ASSERT_EQ(0, peek(&self->c, self->c.page, got));
	EXPECT_EQ(0, memcmp(word, got, sizeof(word)));
	EXPECT_EQ(-EIO, peek(&self->c, 0, got));
	close(fd);
}

/*
 * A debugger also reads where the program may not, by FOLL_FORCE, which mm core
 * does not tell ->access of: page frames stay closed.
 */
TEST_F(access, prot_none)
{
	u8 word[sizeof(long)] = { 9, 9, 9, 9 };

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	ASSERT_EQ(0, start_child(&self->c, self->fd, PROT_NONE, MAP_SHARED, true));
	if (self->frames) {
		EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 1, 0));
		EXPECT_EQ(-EIO, peek(&self->c, 4096, self->buf));
	} else {
		ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
		EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
		EXPECT_EQ(0, peek(&self->c, 4096, self->buf));
	}
	EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
	EXPECT_EQ(-EIO, poke(&self->c, 4096, word));
	end_child(&self->c);

	/* Without ptrace, an access respects the protection. */
	ASSERT_EQ(0, start_child(&self->c, self->fd, PROT_NONE, MAP_SHARED, false));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 1, 0));
	EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
}

/* /proc/PID/mem of a program that is not traced. */
TEST_F(access, untraced)
{
	ASSERT_EQ(0, start_child(&self->c, self->fd, PROT_READ | PROT_WRITE,
				 MAP_SHARED, false));
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, mem_write(&self->c, self->buf, SIZE, 0));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
}

/* ids: LK-79 */
TEST_F(access, revoked)
{
	u8 word[sizeof(long)] = { 9, 9, 9, 9 };

	ASSERT_EQ(0, traced(&self->c, self->fd));
	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, mem_write(&self->c, self->buf, SIZE, 0));

	ASSERT_EQ(0, region_revoke(&self->r, 1));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 1, 0));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 5000, SIZE - 5000));
	EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
	EXPECT_EQ(-EIO, peek(&self->c, 4096, self->buf));
	EXPECT_EQ(-EIO, poke(&self->c, 4096, word));

	ASSERT_EQ(0, region_revoke(&self->r, 0));
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE, differs(self->buf, 0, SIZE, 1));
	EXPECT_EQ(0, poke(&self->c, 4096, word));
	ASSERT_EQ(sizeof(word), pread(self->fd, self->buf, sizeof(word), 4096));
	EXPECT_EQ(0, memcmp(word, self->buf, sizeof(word)));

	ASSERT_EQ(0, region_destroy(&self->r));
	EXPECT_EQ(-EIO, mem_read(&self->c, self->buf, 1, 0));
	EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
	EXPECT_EQ(-EIO, peek(&self->c, SIZE - 8, self->buf));
	EXPECT_EQ(-EIO, poke(&self->c, SIZE - 8, word));
}

/* Half of the region, from its middle on: offsets count from there. */
TEST_F(access, partial_mapping)
{
	pid_t parent = getpid(), pid;
	char path[64];
	int mem, status;

	fill(self->buf, 0, SIZE, 1);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->buf, SIZE, 0));
	pid = fork();
	if (!pid) {
		u8 *map = mmap(self->c.map, SIZE / 4, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, self->fd, SIZE / 2);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		munmap(self->c.map + SIZE / 4, SIZE);
		if (map != self->c.map || getppid() != parent)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	memset(self->buf, 0, SIZE);
	ASSERT_EQ(SIZE / 4, pread(mem, self->buf, SIZE,
				  (off_t)(unsigned long)self->c.map));
	EXPECT_EQ(SIZE / 4, differs(self->buf, SIZE / 2, SIZE / 4, 1));
	fill(self->buf, SIZE / 2, 10000, 2);
	ASSERT_EQ(10000, pwrite(mem, self->buf, 10000,
				(off_t)(unsigned long)self->c.map));
	ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
	EXPECT_EQ(SIZE / 2, differs(self->buf, 0, SIZE / 2, 1));
	EXPECT_EQ(10000, differs(self->buf + SIZE / 2, SIZE / 2, 10000, 2));
	close(mem);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A region with ro=1. */
TEST_F(access, ro_region)
{
	u8 word[sizeof(long)] = { 9, 9, 9, 9 };
	char attrs[96];

	snprintf(attrs, sizeof(attrs), "size=2M ro=1 %s", variant->attrs);
	close(self->fd);
	ASSERT_EQ(0, region_destroy(&self->r));
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd = open(self->r.node, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, start_child(&self->c, self->fd, PROT_READ, MAP_SHARED, true));
	EXPECT_EQ(-EIO, mem_write(&self->c, word, sizeof(word), 0));
	EXPECT_EQ(-EIO, poke(&self->c, 4096, word));
	memset(self->buf, 0xff, SIZE);
	ASSERT_EQ(SIZE, mem_read(&self->c, self->buf, SIZE, 0));
	EXPECT_TRUE(all_zero(self->buf, SIZE));
}

TEST_HARNESS_MAIN
