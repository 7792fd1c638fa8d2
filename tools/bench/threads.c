// SPDX-License-Identifier: GPL-2.0
/*
 * Contention of faults of several threads or processes. Each touches its own part of
 * one object.
 *
 *   fresh, again  pages per millisecond of all together, of new and of existing memory;
 *                 no figure if the clock counts instructions, since there is one CPU
 *   vma lock      faults under the VMA lock
 *   mmap lock     faults under mmap_lock
 *
 * With --locks, the locks they take instead: see locks.c. With --lines, the QEMU plugin
 * lines.c is told when they start and end.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MOST	64

enum column { FRESH, AGAIN, VMA_LOCK, MMAP_LOCK, COLUMNS };

static const char * const columns[COLUMNS] = {
	"fresh", "again", "vma lock", "mmap lock",
};

static const struct memory kinds[] = {
	{ .name = "memfd 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "hugetlbfs", .create = create_hugetlb },
	{ MAPDEV("paged 4K", "paged granule=4K") },
	{ MAPDEV("paged 64K", "paged granule=64K") },
	{ MAPDEV("paged 2M", "paged granule=2M") },
	{ MAPDEV("paged 4K, dirty log", "paged granule=4K dirty=1") },
	{ MAPDEV("pages", "pages") },
	{ MAPDEV("vmalloc", "vmalloc") },
	{ MAPDEV("contig", "contig") },
};

struct faults {
	long long vma_lock;
	long long mmap_lock;
};

/* In memory that processes share. */
struct team {
	pthread_barrier_t step;	/* for all of them and the one that counts */
	struct faults faults;
	const struct memory *kind;
	const struct object *object;
	const char *row;
	const char *memory_is;	/* fresh, or there again */
	char *memory;		/* shared by threads; NULL for processes */
	int count;
	bool failed;
	struct member {
		struct team *team;
		uint64_t start;
		uint64_t end;
	} members[MOST];
};

/* Time is meaningless under emulation, or while accesses are recorded. */
static bool counts_only(void)
{
	return settings.instructions || settings.locks || settings.lines;
}

static struct faults count_faults(void)
{
	static const char vmstat[] = "/proc/vmstat";

	return (struct faults){
		.vma_lock = read_field(vmstat, "vma_lock_success"),
		.mmap_lock = read_field(vmstat, "vma_lock_abort") +
			     read_field(vmstat, "vma_lock_retry"),
	};
}

/* A system call that nothing else uses; the plugin knows its address. */
static void mark(void)
{
	if (settings.lines)
		syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
}

/* Each runs on its own CPU, if there are enough. */
static void stay_on_cpu(int member)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(member % cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* All are ready and wait: count from here. */
static void count_work(struct team *team)
{
	struct faults before = count_faults(), after;

	if (settings.locks && !locks_clear())
		team->failed = true;
	mark();
	pthread_barrier_wait(&team->step);
	pthread_barrier_wait(&team->step);
	mark();
	if (settings.locks && !locks_table(team->row, team->memory_is))
		team->failed = true;
	after = count_faults();
	team->faults.vma_lock += after.vma_lock - before.vma_lock;
	team->faults.mmap_lock += after.mmap_lock - before.mmap_lock;
}

/* Touch this member's part of the object. */
static void *work(void *data)
{
	struct member *member = data;
	struct team *team = member->team;
	size_t part = team->object->size / team->count / STEP * STEP;
	char *memory = team->memory ?: object_map(team->kind, team->object);

	if (!memory)
		team->failed = true;
	stay_on_cpu(member - team->members);
	/* Fault in the vDSO now: its first fault takes mmap_lock. */
	now();
	pthread_barrier_wait(&team->step);
	pthread_barrier_wait(&team->step);
	member->start = now();
	if (memory)
		touch(memory + (member - team->members) * part, part, STEP, true);
	member->end = now();
	pthread_barrier_wait(&team->step);
	if (memory && !team->memory)
		munmap(memory, team->object->size);
	return NULL;
}

static void work_in_threads(struct team *team)
{
	pthread_t threads[MOST];

	team->memory = object_map(team->kind, team->object);
	team->failed = !team->memory;
	if (team->failed)
		return;
	for (int i = 0; i < team->count; i++)
		if (pthread_create(&threads[i], NULL, work, &team->members[i]))
			_exit(1);
	pthread_barrier_wait(&team->step);
	count_work(team);
	for (int i = 0; i < team->count; i++)
		pthread_join(threads[i], NULL);
	munmap(team->memory, team->object->size);
}

static void work_in_processes(struct team *team)
{
	for (int i = 0; i < team->count; i++) {
		pid_t child = fork();

		if (child < 0)
			_exit(1);
		if (!child) {
			work(&team->members[i]);
			_exit(0);
		}
	}
	pthread_barrier_wait(&team->step);
	count_work(team);
	while (wait(NULL) > 0)
		;
}

/* Time of all of them together; 0 on failure. */
static uint64_t run_team(struct team *team, bool processes)
{
	pthread_barrierattr_t shared;
	uint64_t start = ~0ULL, end = 0;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&team->step, &shared, team->count + 1);
	for (int i = 0; i < team->count; i++)
		team->members[i].team = team;
	if (processes)
		work_in_processes(team);
	else
		work_in_threads(team);
	for (int i = 0; i < team->count; i++) {
		struct member *member = &team->members[i];

		start = member->start < start ? member->start : start;
		end = member->end > end ? member->end : end;
	}
	return team->failed ? 0 : end - start;
}

static bool measure(struct team *team, bool processes, double *values)
{
	struct object object;
	uint64_t fresh, again;
	double pages;

	if (!object_open(team->kind, &object))
		return false;
	team->object = &object;
	pages = (double)(object.size / STEP);
	team->memory_is = columns[FRESH];
	fresh = run_team(team, processes);
	team->memory_is = columns[AGAIN];
	again = run_team(team, processes);
	object_close(team->kind, &object);
	if (!fresh || !again)
		return false;
	if (!counts_only()) {
		keep_most(&values[FRESH], pages * 1e6 / fresh);
		keep_most(&values[AGAIN], pages * 1e6 / again);
	}
	keep_least(&values[VMA_LOCK], team->faults.vma_lock);
	keep_least(&values[MMAP_LOCK], team->faults.mmap_lock);
	return true;
}

static bool bench_row(const struct memory *kind, int count, bool processes)
{
	struct team *team = mmap(NULL, sizeof(*team), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char old[32] = "", ignored[32], name[80];
	double values[COLUMNS];
	bool done = team != MAP_FAILED;

	snprintf(name, sizeof(name), "%s, %d %s%s", kind->name, count,
		 processes ? "process" : "thread",
		 count == 1 ? "" : processes ? "es" : "s");
	if (!wanted(name))
		return true;
	none_yet(values, COLUMNS);
	if (kind->knob && turn_knob(kind->knob, kind->value, old, sizeof(old)))
		return row_failed(name);
	for (unsigned int i = 0; done && i < settings.repeats; i++) {
		*team = (struct team){
			.kind = kind, .count = count, .row = name,
		};
		done = measure(team, processes, values);
	}
	if (!done)
		row_failed(name);
	else if (!settings.locks)
		table_row(name, values);
	if (*old)
		turn_knob(kind->knob, old, ignored, sizeof(ignored));
	munmap(team, sizeof(*team));
	return done;
}

/*
 * One, two, and so on; only two if instructions or locks are counted, where time is
 * not measured.
 */
bool bench_threads(void)
{
	int first = counts_only() ? settings.threads : 1;
	bool done;

	if (!settings.locks)
		table_begin("threads", counts_only() ? "faults" :
			    "pages per millisecond of real time; faults",
			    columns, COLUMNS);
	done = reserve_huge_pages(settings.size) || row_failed("huge pages");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (int count = first; count <= settings.threads && count <= MOST; count++) {
			done &= bench_row(&kinds[i], count, false);
			done &= bench_row(&kinds[i], count, true);
		}
	}
	return reserve_huge_pages(0) && done;
}
