// SPDX-License-Identifier: GPL-2.0
/*
 * Actors: threads of other processes that execute the coordinator's commands, which
 * are passed in shared memory. A word of each actor, a futex, says whose turn it is.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <time.h>

#include <linux/futex.h>

#include "torture.h"

/* --- Turns --- */

void give_turn(u32 *turn, u32 value)
{
	__atomic_store_n(turn, value, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Wait for a few seconds at most: the other side may have exited. */
bool turn_is(u32 *turn, u32 value)
{
	const struct timespec limit = { .tv_sec = 5 };
	u32 is = __atomic_load_n(turn, __ATOMIC_SEQ_CST);

	if (is != value)
		syscall(__NR_futex, turn, FUTEX_WAIT, is, &limit, NULL, 0);
	return __atomic_load_n(turn, __ATOMIC_SEQ_CST) == value;
}

/* --- Commands --- */

static __thread sigjmp_buf jump;
static __thread int jump_code;

static void handler(int sig, siginfo_t *info, void *context)
{
	jump_code = info->si_code;
	siglongjmp(jump, sig);
}

void catch_signals(void)
{
	struct sigaction action = {
		.sa_sigaction = handler,
		/* The jump then need not restore the signal mask. */
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

/* Copy, a word in one access; return the signal raised, or 0. */
int try_bytes(u8 *to, const u8 *from, size_t size, int *code)
{
	int sig = sigsetjmp(jump, 0);

	if (!sig) {
		/* memcpy() may store a word twice, with a signal in between. */
		if (size == sizeof(u64))
			__atomic_store_n((u64 *)to, *(const u64 *)from,
					 __ATOMIC_RELAXED);
		else
			memcpy(to, from, size);
		__asm__ __volatile__("" : : : "memory");
	}
	*code = jump_code;
	return sig;
}

static int try_compare(const u8 *is, const u8 *want, size_t size, int *differ)
{
	int sig = sigsetjmp(jump, 0);

	if (!sig)
		*differ = memcmp(is, want, size);
	return sig;
}

/* Return the first page of the arena that differs from what is expected, or -1. */
static long compare(struct shared *s, struct command *c)
{
	for (u32 i = 0; i < ARENA_PAGES; i++) {
		int differ = 0;

		if (!s->want[i] && !s->want_sig[i])
			continue;
		c->sig = try_compare(ARENA + i * PAGE, s->want[i] ?: s->data,
				     s->want[i] ? PAGE : 1, &differ);
		if (c->sig != s->want_sig[i] || (!c->sig && differ))
			return i;
	}
	return -1;
}

struct life {
	struct shared *shared;
	pid_t coordinator;
	u32 proc, thread;
};

static void *second_thread(void *arg);

/* Become a process of actors, after fork(); this thread is its first. */
static void be_process(struct life *life, u32 proc)
{
	static struct life second;
	pthread_t thread;

	signal(SIGCHLD, SIG_IGN);
	catch_signals();
	life->proc = proc;
	life->thread = 0;
	second = *life;
	second.thread = 1;
	if (pthread_create(&thread, NULL, second_thread, &second))
		_exit(1);
}

static void do_task(struct life *life, struct command *c)
{
	/* Read it now: later a child finds the parent's next command there. */
	u32 proc = c->args[0];
	long *a = c->args;
	pid_t pid;

	c->sig = 0;
	c->err = 0;
	switch (c->task) {
	case DO_SYSCALL:
		c->ret = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		c->err = c->ret == -1 ? -errno : 0;
		break;
	case DO_LOAD:
		c->sig = try_bytes(c->buf, (void *)a[0], a[1], &c->code);
		break;
	case DO_STORE:
		c->sig = try_bytes((void *)a[0], c->buf, a[1], &c->code);
		break;
	case DO_COMPARE:
		c->ret = compare(life->shared, c);
		break;
	case DO_FORK:
		/* The parent owns the command, and answers it. */
		pid = fork();
		if (pid)
			c->ret = pid;
		else
			be_process(life, proc);
		break;
	default:
		break;
	}
}

/* Run until this process is killed, or the coordinator has exited. */
static void act(struct life *life)
{
	for (;;) {
		struct command *c =
			&life->shared->commands[life->proc][life->thread];
		u32 proc = life->proc;

		while (!turn_is(&c->turn, 1))
			if (kill(life->coordinator, 0))
				_exit(1);
		do_task(life, c);
		if (proc == life->proc)
			give_turn(&c->turn, 0);
	}
}

static void *second_thread(void *arg)
{
	struct life life = *(struct life *)arg;

	act(&life);
	return NULL;
}

/* Start the first process of a slot, as a child of the coordinator. */
pid_t begin_actor(struct shared *shared, u32 proc)
{
	struct life life = { shared, getpid() };
	pid_t pid = fork();

	if (pid)
		return pid;
	be_process(&life, proc);
	act(&life);
	return 0;
}
