/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of the benchmark, bottom up: clock.c (the clock), proc.c (files of the
 * kernel), result.c (the results), region.c, bar.c and peers.c (kinds of memory), then
 * a file for each table, and goals.c, which compares the results with the goals.
 */
#ifndef _MAPDEV_BENCH_H
#define _MAPDEV_BENCH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define STEP		4096UL	/* bytes that a figure is for */
#define MIB		(1024 * 1024UL)
#define GIB		(1024 * MIB)
#define HUGE_SIZE	(2 * MIB)
#define REGION		"bench"	/* name of the regions */

/**
 * struct settings - the command line
 * @size: bytes of memory, unless a row has its own size
 * @repeats: number of runs, of which the minimum counts
 * @threads: maximum number of threads
 * @some: only some tables were requested
 * @instructions: the clock counts instructions instead of time
 * @locks: report which locks the threads take
 * @lines: QEMU reports which cache lines they share
 * @rows: substrings of the names of requested rows; all rows if empty
 */
struct settings {
	size_t size;
	unsigned int repeats;
	int threads;
	bool some;
	bool instructions;
	bool locks;
	bool lines;
	char **rows;
};

extern struct settings settings;

bool wanted(const char *name);

/* -- clock.c: the clock, touches, and the minimum of several figures ------- */

uint64_t now(void);
uint64_t touch(char *memory, size_t size, size_t step, bool writing);
void zero(char *memory, size_t count);
void keep_least(double *least, double value);
void keep_most(double *most, double value);
void none_yet(double *values, int count);

/* -- proc.c: files of the kernel; -1 or false with errno ------------------- */

int write_file(const char *path, const char *value);
int write_number(const char *path, unsigned long value);
long long read_field(const char *path, const char *field);
int turn_knob(const char *knob, const char *value, char *old, size_t room);
bool reserve_huge_pages(size_t size);

/* -- result.c: the tables -------------------------------------------------- */

bool results_open(const char *path);
bool results_close(void);
void table_begin(const char *name, const char *unit,
		 const char * const *columns, int count);
void table_row(const char *row, const double *values);
bool row_failed(const char *row);
double result_of(const char *key);
void json_goal(const char *part, const char *what, double value, double limit);

/* -- regions, BARs, and the other kinds of memory -------------------------- */

struct memory;

/**
 * struct object - memory to map
 * @fd: the file for mmap(2), or -1
 * @offset: in this file
 * @size: in bytes
 * @place: the address to request, or NULL
 */
struct object {
	int fd;
	off_t offset;
	size_t size;
	char *place;
};

/**
 * struct memory - one kind of memory
 * @name: name of the row
 * @create: create an object, whose size is set; -1 with errno. NULL for memory that
 *          mmap(2) creates without a file
 * @arg: flags or attributes, for @create
 * @destroy: clean up after the file was closed
 * @knob: a THP setting to change during the measurement
 * @value: value for @knob
 * @flags: for mmap(2), MAP_SHARED if 0
 * @own: each mmap(2) creates new memory
 * @size: size, unless it is that of the settings
 * @align: alignment of the address, if the program has to choose it
 */
struct memory {
	const char *name;
	int (*create)(const struct memory *memory, struct object *object);
	const char *arg;
	void (*destroy)(void);
	const char *knob;
	const char *value;
	int flags;
	bool own;
	size_t size;
	size_t align;
};

#define MAPDEV(_name, _arg) \
	.name = "mapdev " _name, .arg = "backing=" _arg, \
	.create = create_region, .destroy = destroy_region

int make_region(const char *name, size_t size, const char *attributes);
int open_region(const char *name);
void end_region(const char *name);
int create_region(const struct memory *memory, struct object *object);
void destroy_region(void);

int create_bar_window(const struct memory *memory, struct object *object);
int create_bar_uio(const struct memory *memory, struct object *object);
int create_bar_mem(const struct memory *memory, struct object *object);
void destroy_bar(void);

int sized_memfd(size_t size, unsigned int flags);
int create_memfd(const struct memory *memory, struct object *object);
int create_hugetlb(const struct memory *memory, struct object *object);
int create_udmabuf(const struct memory *memory, struct object *object);
int create_heap(const struct memory *memory, struct object *object);
int create_zero(const struct memory *memory, struct object *object);

bool object_open(const struct memory *memory, struct object *object);
void object_close(const struct memory *memory, struct object *object);
char *object_map(const struct memory *memory, const struct object *object);
bool measure_row(const struct memory *kind,
		 bool (*measure)(const struct memory *kind, double *values),
		 double *values);

/* -- objects.c: many small ones, by number --------------------------------- */

#define MOST_OBJECTS	1000

bool make_object(const char *attributes, int number);
void end_object(bool region, int number);

/* -- logs.c: logs of written pages ----------------------------------------- */

/**
 * struct log - a dirty log, and its memory, mapped and fully written
 * @kind: kind of the log
 * @size: in bytes
 * @memory: address of the mapping
 * @fd: the region or memfd
 * @extra: userfaultfd or clear_refs
 * @pagemap: /proc/self/pagemap
 */
struct log {
	const struct log_kind *kind;
	size_t size;
	char *memory;
	int fd;
	int extra;
	int pagemap;
};

/**
 * struct log_kind - one way to find written pages
 * @name: name of the row
 * @attributes: of the region, NULL for a memfd
 * @begin: prepare for the first collection; false with errno
 * @collect: get and clear; the number of written bytes, or -1 with errno
 */
struct log_kind {
	const char *name;
	const char *attributes;
	bool (*begin)(struct log *log);
	long long (*collect)(struct log *log);
};

extern const struct log_kind log_paged_4k, log_paged_64k, log_pages,
	log_contig, log_scan, log_soft_dirty;

bool log_open(struct log *log, const struct log_kind *kind, size_t size);
void log_close(struct log *log);

/* -- locks.c: the locks of faults, on a kernel with LOCK_STAT -------------- */

bool locks_clear(void);
bool locks_table(const char *row, const char *memory_is);

/* -- the tables: false when a row could not be measured -------------------- */

bool bench_map(void);
bool bench_shape(void);
bool bench_copy(void);
bool bench_dirty(void);
bool bench_scale(void);
bool bench_threads(void);
bool bench_bytes(void);
void judge_goals(void);

#endif /* _MAPDEV_BENCH_H */
