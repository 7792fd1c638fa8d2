/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark's parts, from the bottom: clock.c (how is measured), proc.c
 * (the kernel's files), result.c (what was measured), region.c, bar.c and
 * peers.c (where memory comes from), then a file for each table, and goals.c,
 * which judges what they hold.
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

#define STEP		4096UL	/* what the figures are per */
#define MIB		(1024 * 1024UL)
#define GIB		(1024 * MIB)
#define HUGE_SIZE	(2 * MIB)
#define REGION		"bench"	/* the name of what is made */

/**
 * struct settings - what the command line says
 * @size: bytes of memory, where a row has no size of its own
 * @repeats: how often, of which the least counts
 * @threads: how many at most
 * @some: not all tables are wanted
 * @instructions: the clock counts instructions, and not time
 * @locks: tell which locks the threads take
 * @lines: QEMU tells which cache lines they share
 * @rows: parts of names of the rows that are wanted; all if there is none
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

/* -- clock.c: the clock, touches, and the least of several figures --------- */

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
 * struct object - memory that was made
 * @fd: what mmap(2) takes, or -1
 * @offset: in that file
 * @size: how many bytes
 * @place: the address to ask for, or NULL
 */
struct object {
	int fd;
	off_t offset;
	size_t size;
	char *place;
};

/**
 * struct memory - one kind of memory
 * @name: of the row
 * @create: make an object, whose size is filled in; -1 with errno. NULL for what
 *          mmap(2) makes without a file
 * @arg: flags or attributes, for @create
 * @destroy: what is left to do when the file is closed
 * @knob: a setting of THP for the time of the measurement, and its value
 * @value: see @knob
 * @flags: of mmap(2), MAP_SHARED unless set
 * @own: each mmap(2) makes memory of its own
 * @size: if it is not that of the settings
 * @align: of the address that it is mapped at, if it is for the program to choose
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

/* -- objects.c: many small ones, by number --------------------------------- */

#define MOST_OBJECTS	1000

bool make_object(const char *attributes, int number);
void end_object(bool region, int number);

/* -- logs.c: those that tell which pages were written to ------------------- */

/**
 * struct log - a dirty log, and memory that is mapped and fully written to
 * @kind: which
 * @size: bytes
 * @memory: where it is mapped
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
 * struct log_kind - one way to know what was written to
 * @name: of the row
 * @attributes: of the region, NULL for a memfd
 * @begin: what is to be done before the first collection; false with errno
 * @collect: get and clear; the bytes that were written to, or -1 with errno
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

/* -- locks.c: those that faults take, on a kernel with LOCK_STAT ----------- */

bool locks_clear(void);
bool locks_table(const char *row, const char *memory_is);

/* -- the tables: false when a row could not be measured -------------------- */

bool bench_map(void);
bool bench_copy(void);
bool bench_dirty(void);
bool bench_scale(void);
bool bench_threads(void);
bool bench_bytes(void);
void judge_goals(void);

#endif /* _MAPDEV_BENCH_H */
