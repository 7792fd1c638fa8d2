// SPDX-License-Identifier: GPL-2.0
/* Touches that survive a signal; mappings and capabilities of a process; other programs. */
#include "region.h"

/* Become a user with no capability. */
int drop_root(void)
{
	return setgroups(0, NULL) || setgid(65534) || setuid(65534);
}

sigjmp_buf touch_jump;
int touch_code;

void touch_handler(int sig, siginfo_t *info, void *context)
{
	touch_code = info->si_code;
	siglongjmp(touch_jump, sig);
}

/* Load or store one byte; the signal that it raised, or 0. */
int touch(u8 *byte, bool store)
{
	struct sigaction action = {
		.sa_sigaction = touch_handler,
		.sa_flags = SA_SIGINFO,
	}, bus, segv;
	int sig;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	sig = sigsetjmp(touch_jump, 1);
	if (!sig) {
		if (store)
			store_byte(byte, 1);
		else
			load_byte(byte);
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

__thread sigjmp_buf work_jump;

static void work_handler(int sig)
{
	siglongjmp(work_jump, sig);
}

/* From now on, a fault of any thread jumps to its own work_jump. */
void catch_faults(void)
{
	struct sigaction action = {
		.sa_handler = work_handler, .sa_flags = SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

/* mmap(2) that answers the errno of a failure, or 0 and the address. */
int try_mmap(int fd, size_t size, int prot, int flags, off_t offset, u8 **addr)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (addr)
		*addr = p;
	if (p == MAP_FAILED)
		return errno;
	if (!addr)
		munmap(p, size);
	return 0;
}

long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Wait until a process sleeps, by the state that the kernel shows of it. */
void wait_asleep(pid_t pid)
{
	char path[64], line[256];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		state = strrchr(read_line(path, line, sizeof(line)), ')');
	} while (state && state[2] == 'R');
}

/* Start a program beside this one; what it prints is in @output. -1 if that fails. */
pid_t start_program(char *const argv[], FILE **output)
{
	char self[PATH_MAX] = "", path[PATH_MAX];
	int pipes[2];
	pid_t pid;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -1;
	snprintf(path, sizeof(path), "%.*s%s",
		 (int)(strrchr(self, '/') + 1 - self), self, argv[0]);
	if (pipe(pipes))
		return -1;
	pid = fork();
	if (!pid) {
		/* A program that hangs fails. */
		alarm(60);
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execv(path, argv);
		_exit(127);
	}
	close(pipes[1]);
	*output = fdopen(pipes[0], "r");
	return pid;
}

/* Wait for its end; the status, as of waitpid(2). */
int end_program(pid_t pid, FILE *output)
{
	int status = -1;

	fclose(output);
	waitpid(pid, &status, 0);
	return status;
}

/* Drop one capability; 0 or the errno. */
int drop_capability(int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return errno;
	data[capability / 32].effective &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data) ? errno : 0;
}

/* How many mappings of this process lie in a range, and the VmFlags of one. */
int count_mappings(const void *start, size_t size)
{
	unsigned long first, last, from = (unsigned long)start;
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &first, &last) == 2)
			count += last > from && first < from + size;
	fclose(file);
	return count;
}

const char *vm_flags(const void *addr, char *flags, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long first, last;
	bool found = false;
	char line[512];

	flags[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			found = (unsigned long)addr == first;
		else if (found && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%.200s", line + 8);
	}
	fclose(file);
	return flags;
}
