/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process with an mm of its own, which a kernel thread lacks: a shell that
 * stops itself until it is told to continue.
 */
#ifndef _MAPDEV_KUNIT_PROCESS_H
#define _MAPDEV_KUNIT_PROCESS_H

#include <kunit/test.h>

struct process {
	struct task_struct *task;
	struct mm_struct *mm;
};

/* Start a shell that stops, and then runs @script; killed after the case. */
struct process *process_start(struct kunit *test, const char *script);

/* Continue it and wait for its exit. Its mm stays until after the case. */
void process_finish(struct kunit *test, struct process *process);

/*
 * Map @file shared into its mm, and unmap it. Returns an address or an errno.
 */
unsigned long process_map(struct process *process, struct file *file,
			  unsigned long length);
void process_unmap(struct process *process, unsigned long addr,
		   unsigned long length);

#endif /* _MAPDEV_KUNIT_PROCESS_H */
