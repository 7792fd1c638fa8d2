// SPDX-License-Identifier: GPL-2.0
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/umh.h>

#include "process.h"

/* Runs in the new process, before execve(). */
static int note_task(struct subprocess_info *info, struct cred *new)
{
	struct process *process = info->data;

	process->task = get_task_struct(current);
	return 0;
}

static void end_action(void *context)
{
	struct process *process = context;

	if (process->mm)
		mmput(process->mm);
	if (process->task) {
		send_sig(SIGKILL, process->task, 1);
		put_task_struct(process->task);
	}
}

/* Starting a shell on an emulated machine takes seconds; wait a minute. */
static bool becomes(struct process *process,
		    bool (*state)(struct task_struct *task))
{
	for (int i = 0; i < 3000; i++) {
		if (state(process->task))
			return true;
		msleep(20);
	}
	return false;
}

static bool is_stopped(struct task_struct *task)
{
	return task_is_stopped(task);
}

static bool has_ended(struct task_struct *task)
{
	return READ_ONCE(task->exit_state);
}

struct process *process_start(struct kunit *test, const char *script)
{
	struct process *process = kunit_kzalloc(test, sizeof(*process),
						GFP_KERNEL);
	char *argv[4] = {}, *envp[1] = {};
	struct subprocess_info *info;

	KUNIT_ASSERT_NOT_NULL(test, process);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_action,
							   process));
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = kunit_kzalloc(test, 256, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, argv[2]);
	snprintf(argv[2], 256, "kill -STOP $$; %s", script);
	info = call_usermodehelper_setup(argv[0], argv, envp, GFP_KERNEL,
					 note_task, NULL, process);
	KUNIT_ASSERT_NOT_NULL(test, info);
	KUNIT_ASSERT_EQ(test, 0, call_usermodehelper_exec(info, UMH_WAIT_EXEC));
	KUNIT_ASSERT_TRUE(test, becomes(process, is_stopped));
	process->mm = get_task_mm(process->task);
	KUNIT_ASSERT_NOT_NULL(test, process->mm);
	return process;
}

void process_finish(struct kunit *test, struct process *process)
{
	send_sig(SIGCONT, process->task, 1);
	KUNIT_EXPECT_TRUE(test, becomes(process, has_ended));
}

unsigned long process_map(struct process *process, struct file *file,
			  unsigned long length)
{
	unsigned long addr;

	kthread_use_mm(process->mm);
	addr = vm_mmap(file, 0, length, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	kthread_unuse_mm(process->mm);
	return addr;
}

void process_unmap(struct process *process, unsigned long addr,
		   unsigned long length)
{
	kthread_use_mm(process->mm);
	vm_munmap(addr, length);
	kthread_unuse_mm(process->mm);
}
