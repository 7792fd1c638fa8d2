// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>

#include "worker.h"

void worker_start(struct worker *worker, work_func_t func)
{
	init_completion(&worker->begun);
	init_completion(&worker->done);
	INIT_WORK_ONSTACK(&worker->work, func);
	/* Unbound: the case may keep this CPU busy. */
	queue_work(system_dfl_wq, &worker->work);
}

void worker_begin(struct worker *worker)
{
	worker->task = current;
	complete(&worker->begun);
}

void worker_wait_blocked(struct worker *worker)
{
	wait_for_completion(&worker->begun);
	while (task_is_running(worker->task) && !completion_done(&worker->done))
		msleep(20);
}

void worker_end(struct worker *worker)
{
	flush_work(&worker->work);
	destroy_work_on_stack(&worker->work);
}
