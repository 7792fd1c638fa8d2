// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log under random writers: processes and threads that write in every
 * way there is, while somebody collects and copies what was answered. In each
 * round, two things have to be true:
 *
 *   What was stored between the last answer and this call is in the answer.
 *   Once the writers stand still, the copy is the region, byte for byte, and
 *   nothing is answered that nobody wrote.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/futex.h>

#include "dirty.h"
#include "test.h"

#define SIZE (4 * 1024 * 1024 + 3 * PAGE)
#define PAGES (SIZE / PAGE)
#define DISK "/dev/ram0"

#define PROCESSES 3
#define THREADS 2
#define WRITERS (PROCESSES * THREADS)
#define WRITES 150	/* in each round, at least */

/* Shared by writers and the collector. */
struct board {
	u32 round;
	u32 stop;	/* writers have to pause */
	u32 still;	/* number of paused writers */
	u32 end;
	u32 wrong;
	u64 writes;
	u32 kinds[8];
	/* The last round in which a writer wrote to a unit. */
	u32 stamp[WRITERS][MAX_UNITS];
};

struct writer {
	const struct logged *log;
	struct board *board;
	unsigned int seed;
	unsigned int count;	/* of its writes */
	int id;
	int fd;
	int mem;
	int disk;
	u8 *map;	/* of its process */
	u8 *sector;	/* contents of the writer's sector of the disk */
};

FIXTURE(dirtylog) {
	struct logged log;
	struct board *board;
	u8 *copy;
	u8 *now;
};

FIXTURE_VARIANT(dirtylog) {
	const char *attrs;
	enum mapdev_backing_type type;
};

#define VARIANT(_name, _attrs, _type)					\
	FIXTURE_VARIANT_ADD(dirtylog, _name) { .attrs = _attrs, .type = _type };
FOR_EACH_LOGGED(VARIANT)

FIXTURE_SETUP(dirtylog)
{
	ASSERT_EQ(0, logged_open(&self->log, variant->attrs, SIZE));
	self->board = mmap(NULL, sizeof(*self->board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->board);
	self->copy = calloc(1, SIZE);
	self->now = malloc(SIZE);
}

FIXTURE_TEARDOWN(dirtylog)
{
	free(self->copy);
	free(self->now);
	munmap(self->board, sizeof(*self->board));
	close(self->log.fd);
	EXPECT_EQ(0, region_destroy(&self->log.r));
}

static u32 get(u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void put(u32 *word, u32 value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, word, FUTEX_WAKE, WRITERS + 1, NULL, NULL, 0);
}

static void wait_while(u32 *word, u32 value)
{
	while (get(word) == value)
		syscall(__NR_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wait_for(u32 *word, u32 value)
{
	u32 is;

	while ((is = get(word)) != value)
		wait_while(word, is);
}

/* --- One write, in one of the ways; how many bytes --- */

static ssize_t by_store(struct writer *w, u64 at, u64 value)
{
	memcpy(w->map + at, &value, sizeof(value));
	__asm__ __volatile__("" : : : "memory");
	return sizeof(value);
}

/* A load first, so that the entry is present and read-only. */
static ssize_t by_load_and_store(struct writer *w, u64 at, u64 value)
{
	load_byte(w->map + at);
	return by_store(w, at, value);
}

static ssize_t by_write(struct writer *w, u64 at, u64 value)
{
	return pwrite(w->fd, &value, sizeof(value), at);
}

static ssize_t by_proc_mem(struct writer *w, u64 at, u64 value)
{
	return pwrite(w->mem, &value, sizeof(value), (uintptr_t)w->map + at);
}

static ssize_t by_vm_writev(struct writer *w, u64 at, u64 value)
{
	struct iovec local = { &value, sizeof(value) };
	struct iovec remote = { w->map + at, sizeof(value) };

	return process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

/* A sector of the disk that changes each time, read by direct I/O. */
static ssize_t by_disk(struct writer *w, u64 at, u64 value)
{
	off_t place = w->id * PAGE;

	memcpy(w->sector, &value, sizeof(value));
	if (pwrite(w->disk, w->sector, 512, place) != 512 ||
	    pread(w->disk, w->map + at / 512 * 512, 512, place) != 512)
		return -1;
	return sizeof(value);
}

/* In a mapping that comes and goes. */
static ssize_t by_other_mapping(struct writer *w, u64 at, u64 value)
{
	u64 page = at / PAGE * PAGE;
	u8 *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd,
		       page);

	if (map == MAP_FAILED)
		return -1;
	memcpy(map + at - page, &value, sizeof(value));
	return munmap(map, PAGE) ? -1 : (ssize_t)sizeof(value);
}

/* By a child, with or without the parent's entries. */
static ssize_t by_child(struct writer *w, u64 at, u64 value)
{
	pid_t child = fork();
	int status;

	if (!child) {
		by_store(w, at, value);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		return -1;
	return sizeof(value);
}

static ssize_t (* const kinds[])(struct writer *w, u64 at, u64 value) = {
	by_store, by_load_and_store, by_write, by_proc_mem, by_vm_writev,
	by_disk, by_other_mapping, by_child,
};

static unsigned int pick_kind(struct writer *w)
{
	unsigned int dice = rand_r(&w->seed) % 256;

	/* Each way once, then mostly the fast ones: fork is slow. */
	if (w->count < ARRAY_SIZE(kinds))
		return w->count++;
	if (!dice)
		return 7;
	return dice < 160 ? dice % 3 : dice % 7;
}

static void write_once(struct writer *w)
{
	struct board *board = w->board;
	/* Some pages more often than others. */
	u64 page = rand_r(&w->seed) % (rand_r(&w->seed) % 2 ? PAGES : 16);
	u64 at = page * PAGE + (rand_r(&w->seed) % 512) * 8;
	unsigned int kind = pick_kind(w);
	u32 round = get(&board->round);

	if (kinds[kind](w, at, ((u64)rand_r(&w->seed) << 32) | round) != 8)
		put(&board->wrong, kind + 1);
	put(&board->stamp[w->id][at / w->log->unit], round);
	__atomic_fetch_add(&board->kinds[kind], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&board->writes, 1, __ATOMIC_RELAXED);
}

static void stand_still(u32 *still, int by)
{
	__atomic_fetch_add(still, by, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, still, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!get(&w->board->end)) {
		if (get(&w->board->stop)) {
			stand_still(&w->board->still, 1);
			wait_while(&w->board->stop, 1);
			stand_still(&w->board->still, -1);
		}
		write_once(w);
	}
	return NULL;
}

static int writing_process(const struct logged *log, struct board *board, int nr)
{
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	struct writer shared = {
		.log = log,
		.board = board,
		.fd = open(log->r.node, O_RDWR),
		.mem = open("/proc/self/mem", O_RDWR),
		.disk = open(DISK, O_RDWR | O_DIRECT),
	};

	shared.map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  shared.fd, 0);
	if (shared.map == MAP_FAILED || shared.mem < 0 || shared.disk < 0)
		put(&board->wrong, 99);
	for (int i = 0; i < THREADS; i++) {
		writers[i] = shared;
		writers[i].id = nr * THREADS + i;
		writers[i].seed = 1 + writers[i].id;
		writers[i].sector = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_create(&threads[i], NULL, write_on, &writers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* --- The collector --- */

static void copy_units(struct logged *log, const struct units *set, u8 *copy)
{
	for (u64 i = 0; i < log->count; i++) {
		u64 at = i * log->unit;
		u64 size = at + log->unit > SIZE ? SIZE - at : log->unit;

		if (set->is[i] && pread(log->fd, copy + at, size, at) != size)
			memset(copy + at, 0xee, size);
	}
}

/* The number of units written in this round before the call that are missing. */
static int missing(struct logged *log, const struct units *before,
		   const struct units *got)
{
	int count = 0;

	for (u64 i = 0; i < log->count; i++)
		count += before->is[i] && !got->is[i];
	return count;
}

static void read_stamps(struct logged *log, struct board *board, u32 round,
			struct units *set)
{
	memset(set, 0, sizeof(*set));
	for (int w = 0; w < WRITERS; w++)
		for (u64 i = 0; i < log->count; i++)
			set->is[i] |= get(&board->stamp[w][i]) == round;
}

TEST_F_TIMEOUT(dirtylog, random_writers, 300)
{
	struct board *board = self->board;
	static struct units before, got;
	pid_t children[PROCESSES];
	int rounds = at_length() ? 25 : 6;
	u64 stamped = 0, writes;

	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (!children[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			_exit(writing_process(&self->log, board, i));
		}
	}

	for (int round = 1; round <= rounds; round++) {
		/* A writer that sees this number writes after the last answer. */
		put(&board->round, round);
		writes = __atomic_load_n(&board->writes, __ATOMIC_RELAXED);
		while (__atomic_load_n(&board->writes, __ATOMIC_RELAXED) <
		       writes + WRITES)
			usleep(500);

		read_stamps(&self->log, board, round, &before);
		ASSERT_EQ(0, collect_by(&self->log, &got, 1 + round % 17));
		EXPECT_EQ(0, missing(&self->log, &before, &got)) {
			TH_LOG("round %d: written, and not answered", round);
		}
		copy_units(&self->log, &got, self->copy);
		for (u64 i = 0; i < self->log.count; i++)
			stamped += before.is[i];

		put(&board->stop, 1);
		wait_for(&board->still, WRITERS);
		ASSERT_EQ(0, collect(&self->log, &got));
		copy_units(&self->log, &got, self->copy);
		ASSERT_EQ(SIZE, pread(self->log.fd, self->now, SIZE, 0));
		EXPECT_EQ(0, memcmp(self->copy, self->now, SIZE)) {
			TH_LOG("round %d: a write was lost", round);
		}
		memset(&before, 0, sizeof(before));
		ASSERT_EQ(0, collect(&self->log, &got));
		EXPECT_EQ(-1, unlike(&self->log, &before, &got)) {
			TH_LOG("round %d: no writer ran", round);
		}
		put(&board->stop, 0);
		wait_for(&board->still, 0);
	}
	put(&board->end, 1);
	for (int i = 0; i < PROCESSES; i++)
		EXPECT_EQ(children[i], waitpid(children[i], NULL, 0));
	EXPECT_EQ(0, board->wrong);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		EXPECT_LT(0, board->kinds[i]);
	/* The first of the two rules was tested. */
	EXPECT_LT(rounds, stamped);
}

TEST_HARNESS_MAIN
