// SPDX-License-Identifier: GPL-2.0
/* Futexes in a region, of one process and of several. */
#include "futex.h"

/* The result, or -errno. */
long futex(void *word, int op, unsigned int value)
{
	long ret = syscall(__NR_futex, word, op, value, NULL, NULL, 0);

	return ret < 0 ? -errno : ret;
}

/* Fork a child that waits at offset @at of the region, in a mapping of its own. */
pid_t futex_wait_mapped(const char *node, size_t size, size_t at)
{
	pid_t parent = getpid(), pid = fork();
	u8 *map = NULL;
	int fd;

	if (pid)
		return pid;
	/* From the second page on, so that the address differs. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(node, O_RDWR);
	if (getppid() != parent || fd < 0 ||
	    try_mmap(fd, size - PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, PAGE,
		     &map))
		_exit(2);
	/* Ended by a wake only: the value never changes. */
	_exit(futex(map + at - PAGE, FUTEX_WAIT, 0) != 0);
}

/* Wake it through @word as soon as it waits; 0 if the wake ended it. */
int futex_wake_child(pid_t pid, void *word)
{
	int status = 0;
	long woken;

	do {
		sched_yield();
		woken = futex(word, FUTEX_WAKE, 1);
	} while (!woken && !waitpid(pid, &status, WNOHANG));
	if (woken != 1)
		return -1;
	return waitpid(pid, &status, 0) == pid ? status : -1;
}
