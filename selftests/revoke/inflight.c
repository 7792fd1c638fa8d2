// SPDX-License-Identifier: GPL-2.0
/*
 * Revoke under load: when it has returned, nothing that was under way writes
 * the region any more; and whatever mappings do meanwhile, nothing breaks.
 */
#include <limits.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/futex.h>

#include "test.h"

#define SIZE 2097152
#define PART (SIZE / 8)
#define AT(kind) ((kind) * (SIZE / 4))
#define CHUNK 65536

#define WORKERS 6
#define STORMERS 3

FIXTURE(in_flight) {
	struct region r;
	u8 *buf;
	int fd;
	bool frames;
};

FIXTURE_EACH_BACKING(in_flight)

FIXTURE_SETUP(in_flight)
{
	self->fd = region_open(&self->r, variant->attrs, SIZE);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(SIZE);
	self->frames = maps_frames(variant->type, variant->attrs);
}

FIXTURE_TEARDOWN(in_flight)
{
	close(self->fd);
	free(self->buf);
	region_destroy(&self->r);
}

static int rounds(void)
{
	return at_length() ? 10 : 3;
}

/* --- What the processes share --- */

/*
 * WRITE takes its bytes from a source that the test changes under it: what it
 * copies after the change is known by that, in the middle of a call, too. The
 * others take a stamp first. An even stamp was taken while the region was live,
 * an odd one after the revoke had returned.
 */
enum kind { WRITE, STORE, VM_WRITEV, PROC_MEM };

static const enum kind kinds[WORKERS] = {
	WRITE, WRITE, STORE, STORE, VM_WRITEV, PROC_MEM,
};

struct worker {
	unsigned int tries;	/* also a futex: each one wakes */
	unsigned int successes;
	unsigned int surprises;	/* unexpected errnos */
	int last;		/* the errno of the last try */
};

struct shared {
	struct worker workers[WORKERS];
	u8 stamp;
	u8 source[PART];
};

static struct shared *shared_new(void)
{
	return mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void set_stamp(struct shared *s, u8 stamp)
{
	__atomic_store_n(&s->stamp, stamp, __ATOMIC_SEQ_CST);
	memset(s->source, stamp, PART);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static u8 get_stamp(struct shared *s)
{
	return __atomic_load_n(&s->stamp, __ATOMIC_SEQ_CST);
}

static unsigned int get_tries(struct worker *worker)
{
	return __atomic_load_n(&worker->tries, __ATOMIC_SEQ_CST);
}

static void wait_from(struct worker *worker, unsigned int first,
		      unsigned int count)
{
	unsigned int now;

	/* One more: the first to end was begun before. */
	while ((now = get_tries(worker)) - first < count + 1)
		syscall(__NR_futex, &worker->tries, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* Wait until @worker has begun and ended @count more tries. */
static void wait_tries(struct worker *worker, unsigned int count)
{
	wait_from(worker, get_tries(worker), count);
}

static void wait_all(struct shared *s, unsigned int count)
{
	unsigned int first[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		first[i] = get_tries(&s->workers[i]);
	for (int i = 0; i < WORKERS; i++)
		wait_from(&s->workers[i], first[i], count);
}

static void tried(struct worker *worker, int err, int allowed)
{
	worker->last = err;
	if (!err)
		__atomic_add_fetch(&worker->successes, 1, __ATOMIC_SEQ_CST);
	else if (err != allowed)
		__atomic_add_fetch(&worker->surprises, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&worker->tries, 1, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, &worker->tries, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* --- The workers, each with a part of the region of its own --- */

/* The whole part in one call, so that a revoke comes in the middle of it. */
static int try_write(struct shared *s, int fd)
{
	ssize_t ret = pwrite(fd, s->source, PART, AT(WRITE));

	if (ret < 0)
		return errno;
	return ret ? 0 : EPROTO;
}

static int try_store(struct shared *s, u8 *map, unsigned int *random)
{
	u8 *part = map + AT(STORE);
	int sig = sigsetjmp(work_jump, 0);

	if (sig)
		return sig;
	for (int i = 0; i < 64; i++) {
		*random = *random * 1103515245 + 12345;
		store_byte(part + (*random >> 8) % PART, get_stamp(s));
	}
	return 0;
}

static int try_vm_writev(struct shared *s, u8 *map, u8 *buf)
{
	struct iovec local = { buf, CHUNK };
	struct iovec remote = { map + AT(VM_WRITEV), CHUNK };

	memset(buf, get_stamp(s), CHUNK);
	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0)
		return errno;
	return 0;
}

static int try_proc_mem(struct shared *s, int mem, u8 *map, u8 *buf)
{
	memset(buf, get_stamp(s), CHUNK);
	if (pwrite(mem, buf, CHUNK,
		   (off_t)(unsigned long)(map + AT(PROC_MEM))) < 0)
		return errno;
	return 0;
}

static void work(struct shared *s, int number, const char *node)
{
	struct worker *worker = &s->workers[number];
	int fd = open(node, O_RDWR), mem = open("/proc/self/mem", O_RDWR);
	unsigned int random = number;
	u8 *map = NULL, *buf = malloc(CHUNK);

	if (fd < 0 || mem < 0 || !buf)
		return;
	if (try_mmap(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &map))
		return;
	catch_faults();
	for (;;) {
		switch (kinds[number]) {
		case WRITE:
			tried(worker, try_write(s, fd), ENODEV);
			break;
		case STORE:
			tried(worker, try_store(s, map, &random), SIGBUS);
			break;
		case VM_WRITEV:
			tried(worker, try_vm_writev(s, map, buf), EFAULT);
			break;
		default:
			tried(worker, try_proc_mem(s, mem, map, buf), EIO);
			break;
		}
	}
}

static pid_t start_worker(struct shared *s, int number, const char *node)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		work(s, number, node);
	_exit(1);
}

/* --- What is visible of a revoked region --- */

/* References to all pages of the parts that are exact, taken while it is live. */
static int watch(int fd, int pipes[2])
{
	u8 *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	struct iovec iov[] = {
		{ map + AT(WRITE), PART }, { map + AT(STORE), PART },
	};
	ssize_t got = 0;

	if (map == MAP_FAILED || pipe(pipes))
		return -1;
	if (fcntl(pipes[1], F_SETPIPE_SZ, 4 * PART) >= 4 * PART)
		got = vmsplice(pipes[1], iov, 2, 0);
	munmap(map, SIZE);
	return got == 2 * PART ? 0 : -1;
}

/* The present contents of these pages: tee(2) takes references, read(2) copies. */
static int look(int pipes[2], u8 *buf)
{
	ssize_t size = 0, got;
	int copy[2];

	if (pipe(copy))
		return -1;
	if (fcntl(copy[1], F_SETPIPE_SZ, 4 * PART) >= 4 * PART &&
	    tee(pipes[0], copy[1], 2 * PART, 0) == 2 * PART) {
		while (size < 2 * PART) {
			got = read(copy[0], buf + size, 2 * PART - size);
			if (got <= 0)
				break;
			size += got;
		}
	}
	close(copy[0]);
	close(copy[1]);
	return size == 2 * PART ? 0 : -1;
}

/* About the first byte written after the revoke, or size. */
static size_t find_odd(const u8 *buf, size_t size)
{
	u64 word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, buf + i, sizeof(word));
		if (word & 0x0101010101010101)
			return i;
	}
	return size;
}

/*
 * process_vm_writev(2) and /proc/PID/mem hold pages for the length of a copy:
 * such a copy may still be going on when the revoke returns, as all pins may.
 * None may begin.
 */
TEST_F_TIMEOUT(in_flight, writes_end_with_revoke, 60)
{
	u8 *before = malloc(2 * PART), *after = malloc(2 * PART);
	struct shared *s = shared_new();
	unsigned int successes[WORKERS];
	int last = rounds();
	pid_t pids[WORKERS];
	int pipes[2];

	ASSERT_NE(MAP_FAILED, s);
	for (int i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(s, i, self->r.node);
		ASSERT_LT(0, pids[i]);
	}
	if (!self->frames)
		ASSERT_EQ(0, watch(self->fd, pipes));

	for (int round = 1; round <= last; round++) {
		wait_all(s, 1 + round % 2);
		for (int i = 0; i < WORKERS; i++)
			successes[i] = s->workers[i].successes;

		ASSERT_EQ(0, region_revoke(&self->r, 1));
		if (!self->frames)
			ASSERT_EQ(0, look(pipes, before));
		set_stamp(s, 2 * round - 1);
		wait_all(s, 2);
		if (!self->frames) {
			ASSERT_EQ(0, look(pipes, after));
			ASSERT_EQ(0, memcmp(before, after, 2 * PART));
		}
		for (int i = 0; i < WORKERS; i++)
			EXPECT_NE(0, s->workers[i].last);
		/* A worker with an odd stamp has to fail with it. */
		set_stamp(s, 2 * round);
		wait_all(s, 1);

		ASSERT_EQ(0, region_revoke(&self->r, 0));
		ASSERT_EQ(SIZE, pread(self->fd, self->buf, SIZE, 0));
		ASSERT_EQ(SIZE, find_odd(self->buf, SIZE));
		wait_all(s, 1);
		for (int i = 0; i < WORKERS; i++) {
			if (self->frames && kinds[i] == VM_WRITEV) {
				EXPECT_EQ(0, s->workers[i].successes);
				continue;
			}
			EXPECT_LT(successes[i], s->workers[i].successes);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		EXPECT_EQ(0, s->workers[i].surprises) {
			TH_LOG("worker %d", i);
		}
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	if (!self->frames) {
		close(pipes[0]);
		close(pipes[1]);
	}
	munmap(s, sizeof(*s));
	free(before);
	free(after);
}

/* --- A storm --- */

#define ARENA (4 * SIZE)

/* What one process of the storm has; its two threads work on one arena. */
struct stormer {
	struct worker *worker;
	const char *node;
	size_t page;
	u8 *arena;
	int mem;
	int fd;
	bool paged;
};

static unsigned int next_random(unsigned int *random)
{
	*random = *random * 1103515245 + 12345;
	return *random >> 8;
}

static void storm_touch(u8 *byte, bool store)
{
	if (sigsetjmp(work_jump, 0))
		return;
	if (store)
		store_byte(byte, 1);
	else
		load_byte(byte);
}

static int storm_map(struct stormer *st, u8 *addr, size_t size,
		     unsigned int choice)
{
	const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	int flags = choice % 5 || !st->paged ? MAP_SHARED : MAP_PRIVATE;
	size_t pages = SIZE / st->page;
	off_t offset = choice % pages * st->page;

	if (choice & 64)
		flags |= MAP_POPULATE;
	if (size > SIZE - offset)
		size = SIZE - offset;
	return mmap(addr, size, prots[choice % 3], flags | MAP_FIXED, st->fd,
		    offset) == MAP_FAILED ? errno : 0;
}

/* A short-lived child with a copy of the mappings. */
static int storm_fork(struct stormer *st, u8 *byte)
{
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		storm_touch(byte, true);
		storm_touch(st->arena, false);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static int storm_open(struct stormer *st)
{
	int fd = open(st->node, O_RDWR);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* One random operation; its errno. */
static int storm_step(struct stormer *st, unsigned int *random)
{
	size_t pages = ARENA / st->page;
	size_t first = next_random(random) % pages;
	size_t count = 1 + next_random(random) % (next_random(random) & 1 ? 8 : 700);
	unsigned int choice = next_random(random);
	unsigned int what = next_random(random) % 20;
	u8 *addr = st->arena + first * st->page, *other;
	u8 small[64];
	size_t size;

	if (count > pages - first)
		count = pages - first;
	/* Only a few processes touch every page. */
	if (what >= 9 && count > 32)
		count = 32;
	size = count * st->page;
	other = st->arena + choice % (pages - count + 1) * st->page;

	switch (what) {
	case 0 ... 3:
		return storm_map(st, addr, size, choice);
	case 4:
		munmap(addr, size);
		return 0;
	case 5:
		mprotect(addr, size, choice & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
		return 0;
	case 6:
		madvise(addr, size, MADV_DONTNEED);
		return 0;
	case 7:
		mremap(addr, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		return 0;
	case 8:
		return storm_fork(st, addr);
	case 9:
		return storm_open(st);
	case 10:
		return pread(st->fd, addr, size, 0) < 0 ? errno : 0;
	case 11:
		return pwrite(st->fd, addr, size, choice % SIZE) < 0 ? errno : 0;
	case 12:
		madvise(addr, size, choice & 1 ? MADV_POPULATE_READ :
						 MADV_POPULATE_WRITE);
		return 0;
	case 13:
		pread(st->mem, small, sizeof(small), (off_t)(unsigned long)addr);
		return 0;
	case 14:
		pwrite(st->mem, small, sizeof(small), (off_t)(unsigned long)addr);
		return 0;
	case 15:
		if (choice & 1)
			mlock(addr, size);
		else
			munlock(addr, size);
		return 0;
	default:
		storm_touch(addr + choice % st->page, choice & 4096);
		return 0;
	}
}

static void *storm_thread(void *arg)
{
	struct stormer *st = arg;
	unsigned int random = syscall(__NR_gettid);
	int err;

	for (;;) {
		err = storm_step(st, &random);
		/* EFAULT is the arena's; the last two are a retired region's. */
		if (err && err != ENODEV && err != EFAULT && err != ENOENT &&
		    err != ENXIO)
			_exit(err);
		tried(st->worker, err, err);
	}
	return NULL;
}

static pid_t start_stormer(struct shared *s, int number, const char *node,
			   bool paged)
{
	struct stormer st = {
		.worker = &s->workers[number], .node = node, .paged = paged,
		.page = sysconf(_SC_PAGESIZE),
	};
	pid_t parent = getpid(), pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	st.fd = open(node, O_RDWR);
	/* A respawn may find the region revoked. */
	while (st.fd < 0 && errno == ENODEV && getppid() == parent)
		st.fd = open(node, O_RDWR);
	st.mem = open("/proc/self/mem", O_RDWR);
	st.arena = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	if (st.fd < 0 || st.mem < 0 || st.arena == MAP_FAILED ||
	    getppid() != parent)
		_exit(255);
	catch_faults();
	if (pthread_create(&thread, NULL, storm_thread, &st))
		_exit(254);
	storm_thread(&st);
	return 0;
}

/* Kill one and see that it had no other reason to end; 0 or its status. */
static int end_stormer(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : status;
}

/* ids: PA-33 PA-39 */
TEST_F_TIMEOUT(in_flight, storm, 60)
{
	bool paged = variant->type == MAPDEV_PAGED;
	struct shared *s = shared_new();
	char path[128], line[64];
	pid_t pids[STORMERS];
	unsigned int random = 1;
	int last = rounds();
	u8 *map = NULL;

	ASSERT_NE(MAP_FAILED, s);
	/* Children of killed parents are reparented to this process. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ASSERT_EQ(0, try_mmap(self->fd, SIZE, PROT_READ, MAP_SHARED, 0, &map));
	for (int i = 0; i < STORMERS; i++)
		pids[i] = start_stormer(s, i, self->r.node, paged);

	for (int round = 0; round < last; round++) {
		int victim = next_random(&random) % STORMERS;

		for (int i = 0; i < STORMERS; i++)
			wait_tries(&s->workers[i], next_random(&random) % 6);
		EXPECT_EQ(0, touch_read(map + round * 4096));
		ASSERT_EQ(0, region_revoke(&self->r, 1));
		EXPECT_EQ(SIGBUS, touch_read(map + round * 4096));
		wait_tries(&s->workers[victim], next_random(&random) % 6);
		if (round & 1)
			EXPECT_EQ(0, end_stormer(pids[victim]));
		ASSERT_EQ(0, region_revoke(&self->r, 0));
		if (!(round & 1))
			EXPECT_EQ(0, end_stormer(pids[victim]));
		pids[victim] = start_stormer(s, victim, self->r.node, paged);
		ASSERT_LT(0, pids[victim]);
	}
	munmap(map, SIZE);

	/* In any case nothing of them is left. */
	for (int i = 0; i < STORMERS; i++)
		EXPECT_EQ(0, end_stormer(pids[i]));
	while (waitpid(-1, NULL, 0) > 0)
		;
	snprintf(path, sizeof(path), CLASS "/%s/mappings", self->r.name);
	EXPECT_STREQ("0", read_line(path, line, sizeof(line)));
	if (!paged)
		EXPECT_EQ(region_stat(&self->r, "close"),
			  region_stat(&self->r, "mapped") +
			  region_stat(&self->r, "open"));

	/* Once more, with a retire in the middle. */
	for (int i = 0; i < STORMERS; i++)
		pids[i] = start_stormer(s, i, self->r.node, paged);
	for (int i = 0; i < STORMERS; i++)
		wait_tries(&s->workers[i], 5);
	ASSERT_EQ(0, region_destroy(&self->r));
	for (int i = 0; i < STORMERS; i++) {
		wait_tries(&s->workers[i], 5);
		EXPECT_EQ(0, end_stormer(pids[i]));
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	munmap(s, sizeof(*s));
}

TEST_HARNESS_MAIN
