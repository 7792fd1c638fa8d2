/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The random test. A coordinator process runs a list of operations against a plain
 * model: the bytes of a region, and what is mapped at each page of the arena, an address
 * range that every process has. It sends one operation at a time to a thread (an actor)
 * of one of the processes, predicts the result from the model, and compares.
 *
 *   list.c		generates operations from a seed, prints them
 *   model.c	the model
 *   actor.c	the other processes
 *   call.c		commands to actors
 *   mmap.c		operations on mappings; mremap.c and advise.c, too
 *   bytes.c	operations on bytes
 *   region.c	operations on regions, files and processes
 *   log.c		the dirty log
 *   check.c	compares everything with the model from time to time
 *   run.c		runs a list; shortens it when it fails
 *   race/race.c	actors in parallel; racer.c is one of them
 *   torture.c	the cases
 *
 * An operation is plain numbers that are valid in any state, so that a list stays
 * valid when operations are removed from it.
 */
#ifndef _MAPDEV_SELFTESTS_TORTURE_H
#define _MAPDEV_SELFTESTS_TORTURE_H

#include "region.h"

typedef unsigned int u32;

/* The model has room for the largest pages. */
#define MAX_PAGE	65536
#define HUGE_PAGES	512
/* Unused address space, aligned for huge pages. */
#define ARENA		((u8 *)0x200000000000UL)
#define ARENA_PAGES	1100
/* Pages of a region when it is created, and the most it can have. */
#define REGION_PAGES	(2 * HUGE_PAGES + 21)
#define MAX_PAGES	(3 * HUGE_PAGES + 5)
#define PROCESSES	3
#define THREADS		2
#define DISK		"/dev/ram0"

/* The columns of Documentation/userspace-api/semantics.rst. */
enum column { PAGED, RAM, FRAMES };

/* Operations: name and weight. */
#define KINDS(X)							\
	X(MMAP, "mmap", 16)						\
	X(MUNMAP, "munmap", 5)						\
	X(MPROTECT, "mprotect", 8)					\
	X(MOVE, "mremap-move", 6)					\
	X(RESIZE_MAPPING, "mremap-resize", 5)				\
	X(DUPLICATE, "mremap-duplicate", 2)				\
	X(DONTUNMAP, "mremap-dontunmap", 2)				\
	X(ADVISE, "madvise", 10)					\
	X(LOAD, "load", 12)						\
	X(STORE, "store", 20)						\
	X(READ, "read", 6)						\
	X(WRITE, "write", 8)						\
	X(FILL, "fill", 3)						\
	X(READ_TO_MAP, "read-to-map", 4)				\
	X(WRITE_FROM_MAP, "write-from-map", 4)				\
	X(DIRECT_READ, "direct-read", 4)				\
	X(DIRECT_WRITE, "direct-write", 3)				\
	X(VM_READ, "process_vm_readv", 3)				\
	X(VM_WRITE, "process_vm_writev", 3)				\
	X(PROC_READ, "proc-mem-read", 2)				\
	X(PROC_WRITE, "proc-mem-write", 2)				\
	X(RESIZE, "resize", 4)						\
	X(DISCARD, "discard", 4)					\
	X(REVOKE, "revoke", 3)						\
	X(RESTORE, "restore", 3)					\
	X(COLLECT, "collect", 8)					\
	X(ASK, "info-and-poll", 3)					\
	X(RETIRE, "retire", 1)						\
	X(REVIVE, "revive", 1)						\
	X(REOPEN, "reopen", 4)						\
	X(FORK, "fork", 3)						\
	X(EXIT, "exit", 2)

enum op_kind {
#define OP_ENUM(_kind, ...) OP_##_kind,
	KINDS(OP_ENUM)
	OP_KINDS
};

struct op {
	enum op_kind kind;
	u32 proc, thread;
	u32 page;	/* of the arena */
	u32 count;	/* pages */
	u32 index;	/* page of the region; or another one of the arena */
	u32 offset;	/* in a page */
	u32 length;	/* bytes */
	u32 how;	/* which of several ways */
	u32 value;	/* what is written */
};

/* What is mapped at a page of the arena; vma 0: nothing. */
struct mpage {
	u32 vma;	/* equal: certainly the same mapping */
	u32 index;
	u32 gen;	/* of the region that it maps */
	u8 prot;
	bool shared;
	bool maywrite;
	bool guard;
	bool copied;	/* private, and written */
	u32 flags;	/* what madvise() leaves, see advise.c */
};

#define F_NO_FORK	0x01

struct mfile {
	int fd;		/* -1: closed */
	u32 gen;
};

enum { RW, RO, FILES };

struct mproc {
	bool alive;
	pid_t pid;
	int pidfd;
	struct mfile file[FILES];
	struct mpage pages[ARENA_PAGES];
};

enum mark { CLEAN, MAYBE, DIRTY };

/* Counters in debugfs that the model predicts. */
enum { PREPARE, MAPPED, REVOKE, RESTORE, RESIZE, DISCARD, COLLECT, COUNTERS };

/* Commands to an actor, and its answers. */
enum task { DO_NOTHING, DO_SYSCALL, DO_LOAD, DO_STORE, DO_COMPARE, DO_FORK };

#define BUF_PAGES 8

struct command {
	u8 buf[BUF_PAGES * MAX_PAGE];
	u32 turn;	/* 1: the actor's */
	enum task task;
	long args[7];	/* of a system call: number first */
	long ret;
	int err;	/* -errno */
	int sig;	/* signal */
	int code;	/* si_code */
};

/* Shared memory, at the same address in all processes. */
struct shared {
	struct command commands[PROCESSES][THREADS];
	u8 data[MAX_PAGES * MAX_PAGE];		/* what the region holds */
	u8 copies[PROCESSES][ARENA_PAGES][MAX_PAGE];	/* of private pages */
	/* For DO_COMPARE: the expected signal, or the expected bytes, or neither. */
	int want_sig[ARENA_PAGES];
	const u8 *want[ARENA_PAGES];
};

struct model {
	const char *attrs;
	enum column column;
	bool window;	/* its memory keeps its contents after retire */
	u32 unit;	/* pages of a unit of the dirty log, or 0 */
	bool huge_unit;

	struct region r;
	bool made, retired, revoked;
	u32 gen;
	u32 pages;
	enum mark log[MAX_PAGES];
	long counter[COUNTERS];
	u32 last_vma;
	struct mproc procs[PROCESSES];

	struct shared *shared;
	int disk;
	u8 *sector;
	u32 look;	/* operations between two checks of everything */
	unsigned long done;	/* operations executed, of all lists */
	bool failed, hung;
	char why[512];
};

/* Set model->failed, and keep the first reason. */
void __printf(2, 3) wrong(struct model *m, const char *format, ...);

/* Compare two numbers; @what names them in the message. */
#define SAME(m, what, want, is) do {					\
	long _want = (want), _is = (is);				\
	if (_want != _is)						\
		wrong(m, "%s: %ld, not %ld", what, _is, _want);		\
} while (0)

/* list.c */
u32 next_random(u32 *state);
void make_list(struct op *ops, u32 count, u32 seed);
void print_list(const struct op *ops, u32 count);

/* model.c */
bool is_live(const struct model *m, u32 gen);
bool file_live(const struct model *m, const struct mfile *file);
u32 pick_file(const struct op *op);
bool may_write(const struct model *m, const struct op *op);
bool may_change(const struct model *m, const struct op *op);
bool is_free(const struct model *m, u32 proc, u32 page, u32 count);
int touch_signal(const struct model *m, u32 proc, u32 page, bool write);
u8 *bytes_at(struct model *m, u32 proc, u32 page);
bool is_region_page(const struct model *m, u32 proc, u32 page, u32 index);
void put_bytes(struct model *m, u32 proc, u32 page, u32 offset, const u8 *buf,
	       u32 length);
void copy_page(struct model *m, u32 proc, u32 page);
void mark(struct model *m, u32 index, u32 count, enum mark how);
void zero_pages(struct model *m, u32 first, u32 end);
u32 cut_range(const struct op *op);
void split_at(struct model *m, u32 proc, u32 page);
void unmap_pages(struct model *m, u32 proc, u32 page, u32 count);
void move_page(struct model *m, u32 proc, u32 to, u32 from);
u32 run_length(const struct model *m, u32 proc, u32 page, u32 count);
u32 count_vmas(const struct model *m, u32 proc);

/* actor.c */
bool turn_is(u32 *turn, u32 value);
void give_turn(u32 *turn, u32 value);
void catch_signals(void);
int try_bytes(u8 *to, const u8 *from, size_t size, int *code);
pid_t begin_actor(struct shared *shared, u32 proc);

/* call.c */
u8 *page_address(u32 page);
struct command *command_of(struct model *m, const struct op *op);
void tell(struct model *m, const struct op *op, enum task task);
long call(struct model *m, const struct op *op, long nr, ...);
long ioctl_by(struct model *m, const struct op *op, u32 which,
	      unsigned long request, void *arg);
void tell_exit(struct model *m, const struct op *op);
void expect_address(struct model *m, const struct op *op, const char *what,
		    int err, u32 page);
void reset_commands(struct model *m, u32 proc);
void adopt(struct model *m, u32 proc, pid_t pid);
void wait_gone(struct model *m, u32 proc);
void begin_actors(struct model *m);
void end_actors(struct model *m);

/* Operations: predict the result, execute, compare, update the model. */
typedef void do_op(struct model *m, const struct op *op);

do_op do_mmap, do_munmap, do_mprotect;
do_op do_move, do_resize_mapping, do_duplicate, do_dontunmap;
do_op do_advise;
do_op do_touch, do_rw, do_fill, do_rw_map, do_direct, do_vm_rw, do_proc_rw;
do_op do_resize, do_discard, do_revoke, do_ask, do_retire, do_revive;
do_op do_collect;
do_op do_reopen, do_fork, do_exit;

/* region.c */
void new_life(struct model *m);

/* check.c */
void check_all(struct model *m);
void check_ended(struct model *m);

/* run.c */
struct model *model_new(const char *attrs, enum mapdev_backing_type type);
void model_free(struct model *m);
int run_list(struct model *m, const struct op *ops, u32 count);
bool run_seed(struct model *m, u32 seed, u32 count);

/* race/race.c */
int race(const char *attrs, u32 seed, u32 rounds, unsigned long *done,
	 char *why, size_t size);

#endif /* _MAPDEV_SELFTESTS_TORTURE_H */
