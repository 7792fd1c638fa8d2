/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process for what a kernel thread cannot do: a shell that stops itself, so
 * that its mm can be looked at and mapped into, and goes on when it is told to.
 */
#ifndef _MAPDEV_KUNIT_PROCESS_H
#define _MAPDEV_KUNIT_PROCESS_H

#include <kunit/test.h>

struct process {
	struct task_struct *task;
	struct mm_struct *mm;
};

/* A shell that stops, and then runs @script; killed after the case. */
struct process *process_start(struct kunit *test, const char *script);

/* Let it run, and wait for its end. Its mm stays until after the case. */
void process_finish(struct kunit *test, struct process *process);

/* A shared mapping in it, or an errno; and its end. */
unsigned long process_map(struct process *process, struct file *file,
			  unsigned long length);
void process_unmap(struct process *process, unsigned long addr,
		   unsigned long length);

#endif /* _MAPDEV_KUNIT_PROCESS_H */
