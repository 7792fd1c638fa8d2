// SPDX-License-Identifier: GPL-2.0
/*
 * The first process in a virtual machine of another architecture, which contains only
 * what scripts/vm/initramfs packed. It does the work of scripts/test/guest without a
 * shell.
 *
 *   /init [SUITE...]		kunit, selftests/NAME; everything by default
 *   ONLY=kunit/SUITE.CASE	environment: run no other test
 *   ONLY=selftests/NAME.CASE
 *   PART=1/2			the first half of everything
 *   STRESS=short, ...		passed to selftests
 *
 * Output goes to a port that scripts/vm/boot reads. After a line "== FILE" it belongs to
 * results/FILE, after "==" alone to no file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relocate.h"

#define PORT	"/dev/vport0p1"
#define KUNIT	"/sys/kernel/debug/kunit"
#define REGIONS	"/sys/kernel/config/mapdev"

#define ENV_MAX	32

/* Followed by the environment of init; the last one is NULL. */
static const char *program_env[ENV_MAX] = {
	"MAPDEV_KO=/mapdev.ko", "MAPDEV_SAMPLES=/samples", "PATH=/", "HOME=/"
};

static int status;
static char **suites;
static const char *only;

static void extend_env(char **given)
{
	const char **next = program_env;
	const char **last = program_env + ENV_MAX - 1;

	while (*next)
		next++;
	while (*given && next < last)
		*next++ = *given++;
}

static void complain(const char *what, const char *name)
{
	printf("# %s %s: %s\n", what, name, strerror(errno));
	status = 1;
}

static void say(const char *format, int value)
{
	char line[128];
	int kmsg = open("/dev/kmsg", O_WRONLY);
	int length = snprintf(line, sizeof(line), format, value);

	write(kmsg, line, length);
	close(kmsg);
}

/* Probing of the virtio device and its ports may not be finished when init starts. */
static void open_port(void)
{
	int port = -1;

	for (int i = 0; i < 1000 && port < 0; i++) {
		port = open(PORT, O_WRONLY);
		if (port < 0)
			usleep(10000);
	}
	if (port < 0) {
		say("mapdev: no " PORT ", error %d\n", errno);
		return;
	}
	dup2(port, 1);
	dup2(port, 2);
	close(port);
}

static void mount_all(void)
{
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("config", "/sys/kernel/config", "configfs", 0, NULL);
	/* Not every kernel has these. */
	mount("trace", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mount("cgroup", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	mkdir("/dev/shm", 0755);
	mount("shm", "/dev/shm", "tmpfs", 0, NULL);
}

static bool load_module(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY);
	bool loaded = fd >= 0 && !syscall(__NR_finit_module, fd, parameters, 0);

	if (!loaded)
		complain("no module", path);
	close(fd);
	return loaded;
}

static void unload_module(const char *name)
{
	if (syscall(__NR_delete_module, name, O_NONBLOCK))
		complain("still there:", name);
}

static void copy_out(const char *path)
{
	char buf[512];
	int fd = open(path, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		complain("cannot read", path);
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		write(1, buf, got);
	close(fd);
}

/* Deal the suites out to the parts in turn. */
static bool next_part(void)
{
	const char *part = getenv("PART") ?: "1/1";
	static int turn;

	return ++turn % atoi(part + 2) == atoi(part) % atoi(part + 2);
}

/* Was this suite requested? */
static bool wanted(const char *suite)
{
	size_t length = strlen(suite);

	if (only)
		return !strncmp(only, suite, length) &&
		       (only[length] == '.' || only[length] == '/');
	if (!suites[0])
		return next_part();
	for (char **one = suites; *one; one++)
		if (!strcmp(*one, suite))
			return true;
	return false;
}

/* The next name in a directory that does not start with a dot. */
static const char *next(DIR *dir, struct dirent *entry)
{
	struct dirent *found;

	do {
		if (readdir_r(dir, entry, &found) || !found)
			return NULL;
	} while (entry->d_name[0] == '.');
	return entry->d_name;
}

/* --- KUnit --- */

/* SUITE.CASE; a case runs with all its parameters. */
static void filter_kunit(const char *filter)
{
	int fd = open("/sys/module/kunit/parameters/filter_glob", O_WRONLY);
	const char *dot = strchr(filter, '.');
	const char *end = dot ? strchr(dot + 1, '.') : NULL;

	if (write(fd, filter, end ? end - filter : (int)strlen(filter)) < 0)
		complain("cannot filter by", filter);
	close(fd);
}

static void run_kunit(void)
{
	struct dirent entry;
	const char *suite;
	char path[512];
	DIR *dir;

	if (only)
		filter_kunit(only + strlen("kunit/"));
	if (!load_module("/mapdev_kunit.ko", ""))
		return;
	dir = opendir(KUNIT);
	while (dir && (suite = next(dir, &entry))) {
		printf("== kunit.%s\n", suite);
		snprintf(path, sizeof(path), KUNIT "/%s/results", suite);
		copy_out(path);
	}
	if (dir)
		closedir(dir);
	printf("==\n");
	unload_module("mapdev_kunit");
}

/* --- Selftests --- */

/* Return the exit status, or 128 plus the signal. There may be no fork(). */
static int run(const char *path, const char *filter)
{
	const char * const argv[] = { path, filter ? "-r" : NULL, filter, NULL };
	int ended = 0;
	pid_t pid;

	/* vfork() in this frame: the child must not change what the parent needs. */
	pid = __nolibc_syscall5(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD,
				0, 0, 0, 0);
	if (!pid) {
		execve(path, (char **)argv, (char **)program_env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &ended, 0) != pid)
		return 126;
	return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}

/* A test killed by a signal leaves its region behind, which would fail other tests. */
static bool tidy(void)
{
	DIR *dir = opendir(REGIONS);
	struct dirent entry;
	const char *region;
	char path[512];
	bool clean = true;

	while (dir && (region = next(dir, &entry))) {
		printf("# this region was left: %s\n", region);
		snprintf(path, sizeof(path), REGIONS "/%s", region);
		rmdir(path);
		clean = false;
	}
	if (dir)
		closedir(dir);
	return clean;
}

static void run_selftests(void)
{
	DIR *dir = opendir("/selftests");
	const char *name, *filter;
	struct dirent entry;
	char path[512];
	int ended;

	while (dir && (name = next(dir, &entry))) {
		snprintf(path, sizeof(path), "/selftests/%s", name);
		if (!wanted(path + 1))
			continue;
		filter = only ? strchr(only, '.') : NULL;
		printf("== selftests.%s\n", name);
		ended = run(path, filter ? filter + 1 : NULL);
		if (!tidy())
			ended = 1;
		printf("== %s.status\n%d\n==\n", name, ended);
	}
	if (dir)
		closedir(dir);
}

/*
 * As /bin/sh, for KUnit (kunit/driver/process.c): stop until SIGCONT; the only command
 * is a child that does nothing.
 */
static int shell(const char *script)
{
	pid_t pid;

	raise(SIGSTOP);
	if (!strstr(script, "(:)"))
		return 0;
	pid = fork();
	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

int main(int argc, char **argv)
{
	relocate();
	if (argc == 3 && !strcmp(argv[1], "-c"))
		return shell(argv[2]);
	suites = argv + 1;
	extend_env(environ);
	only = getenv("ONLY");
	mount_all();
	open_port();

	if (load_module("/mapdev.ko", "allow_phys=1")) {
		if (wanted("kunit"))
			run_kunit();
		run_selftests();
		unload_module("mapdev");
	}
	/* Last, after all earlier messages of the kernel. */
	say("mapdev: the command ended with status %d\n", status);
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
	return argc;
}
