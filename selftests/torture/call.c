// SPDX-License-Identifier: GPL-2.0
/* The coordinator's side of the actors: start, stop and commands. */
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "torture.h"

/* Seconds after which an operation is said to hang, on any machine. */
#define PATIENCE 60

u8 *page_address(u32 page)
{
	return ARENA + page * PAGE;
}

struct command *command_of(struct model *m, const struct op *op)
{
	return &m->shared->commands[op->proc][op->thread];
}

static bool is_gone(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* Send an actor a command, and wait for the answer. */
void tell(struct model *m, const struct op *op, enum task task)
{
	struct command *c = command_of(m, op);

	c->task = task;
	give_turn(&c->turn, 1);
	for (int tries = 0; !turn_is(&c->turn, 0); tries++) {
		if (is_gone(m->procs[op->proc].pidfd, 0)) {
			wrong(m, "the process was killed");
			return;
		}
		if (tries > PATIENCE / 5) {
			wrong(m, "the operation hangs");
			m->hung = true;
			return;
		}
	}
}

/* Let an actor make a system call; return its result. The command has the errno. */
long call(struct model *m, const struct op *op, long nr, ...)
{
	struct command *c = command_of(m, op);
	va_list args;

	c->args[0] = nr;
	va_start(args, nr);
	for (int i = 1; i < 7; i++)
		c->args[i] = va_arg(args, long);
	va_end(args);
	tell(m, op, DO_SYSCALL);
	return c->ret;
}

long ioctl_by(struct model *m, const struct op *op, u32 which,
	      unsigned long request, void *arg)
{
	return call(m, op, __NR_ioctl, (long)m->procs[op->proc].file[which].fd,
		    request, arg, 0L, 0L, 0L);
}

/* Let the process exit; it does not answer. */
void tell_exit(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);

	c->args[0] = __NR_exit_group;
	c->args[1] = 0;
	c->task = DO_SYSCALL;
	give_turn(&c->turn, 1);
}

/* Check an answer that is an address or an errno. */
void expect_address(struct model *m, const struct op *op, const char *what,
		    int err, u32 page)
{
	const struct command *c = command_of(m, op);

	SAME(m, what, err, c->err);
	if (!err && !c->err && (u8 *)c->ret != page_address(page))
		wrong(m, "%s: at %#lx", what, c->ret);
}

void reset_commands(struct model *m, u32 proc)
{
	memset(m->shared->commands[proc], 0,
	       sizeof(m->shared->commands[proc]));
}

void adopt(struct model *m, u32 proc, pid_t pid)
{
	m->procs[proc].alive = true;
	m->procs[proc].pid = pid;
	m->procs[proc].pidfd = syscall(__NR_pidfd_open, pid, 0);
}

/* Wait until the process has exited, and its mappings are gone. */
void wait_gone(struct model *m, u32 proc)
{
	struct mproc *p = &m->procs[proc];

	if (!is_gone(p->pidfd, PATIENCE * 1000))
		wrong(m, "process %u does not end", proc);
	close(p->pidfd);
	p->alive = false;
}

static void begin_process(struct model *m, u32 proc)
{
	pid_t pid;

	reset_commands(m, proc);
	pid = begin_actor(m->shared, proc);
	if (pid > 0)
		adopt(m, proc, pid);
	else
		wrong(m, "fork failed");
}

/* Start all but the last, which comes from a fork of another. */
void begin_actors(struct model *m)
{
	/* Let the kernel reap them. */
	signal(SIGCHLD, SIG_IGN);
	for (u32 i = 0; i < PROCESSES - 1; i++)
		begin_process(m, i);
}

void end_actors(struct model *m)
{
	for (u32 i = 0; i < PROCESSES; i++) {
		if (!m->procs[i].alive)
			continue;
		kill(m->procs[i].pid, SIGKILL);
		wait_gone(m, i);
	}
}
