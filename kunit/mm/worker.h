/* SPDX-License-Identifier: GPL-2.0 */
/* A second thread, for cases in which one thread waits for another. */
#ifndef _MM_KUNIT_WORKER_H
#define _MM_KUNIT_WORKER_H

#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

/**
 * struct worker - a function that runs in another thread
 * @work: runs the function; embed struct worker to pass it arguments
 * @task: the thread, once @begun is complete
 * @begun: completed by worker_begin()
 * @done: completed by the function
 */
struct worker {
	struct work_struct work;
	struct task_struct *task;
	struct completion begun;
	struct completion done;
};

/* Run @func. The caller has to worker_end(). */
void worker_start(struct worker *worker, work_func_t func);

/* Called by @func before it blocks. */
void worker_begin(struct worker *worker);

/* Wait until @func sleeps after worker_begin(), or is done. */
void worker_wait_blocked(struct worker *worker);

/* Wait until @func returns. */
void worker_end(struct worker *worker);

#endif /* _MM_KUNIT_WORKER_H */
