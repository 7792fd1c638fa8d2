// SPDX-License-Identifier: GPL-2.0
/*
 * What mapdevctl tells an operator: who uses a region, what changes, the counters in
 * columns; how it loads the module; and its completion.
 */
#include <sys/prctl.h>

#include "command.h"
#include "module.h"
#include "test.h"

FIXTURE(operator) {
	char output[8192];
};

FIXTURE_SETUP(operator)
{
	find_tool();
}

FIXTURE_TEARDOWN(operator)
{
}

static bool has_line(const char *text, const char *line)
{
	const char *found = strstr(text, line);

	return found && (found == text || found[-1] == '\n') &&
	       found[strlen(line)] == '\n';
}

/* Open files, mappings without one, and directories keep the module. */
TEST_F(operator, users)
{
	char open_line[128], both_line[128], mapped_line[128], retired_line[128];
	u8 *map;
	int fd;

	snprintf(open_line, sizeof(open_line), "%-16s process %d (users test): open",
		 "t", getpid());
	snprintf(both_line, sizeof(both_line),
		 "%-16s process %d (users test): open, mapped", "t", getpid());
	snprintf(mapped_line, sizeof(mapped_line),
		 "%-16s process %d (users test): mapped", "t", getpid());
	snprintf(retired_line, sizeof(retired_line),
		 "%-16s process %d (users test): mapped", "(retired)", getpid());
	prctl(PR_SET_NAME, "users test");
	ASSERT_EQ(0, run("mapdevctl create t 64K", self->output, sizeof(self->output)));
	ASSERT_EQ(0, mkdir(CONFIGFS "/idle", 0755));

	fd = open("/dev/mapdev/t", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, run("mapdevctl users", self->output, sizeof(self->output)));
	EXPECT_TRUE(has_line(self->output, open_line)) {
		TH_LOG("%s", self->output);
	}
	EXPECT_TRUE(has_line(self->output, "t                directory in configfs"));
	EXPECT_TRUE(has_line(self->output,
			     "idle             directory in configfs, not live"));

	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, 0, &map));
	EXPECT_EQ(0, run("mapdevctl users t", self->output, sizeof(self->output)));
	EXPECT_TRUE(has_line(self->output, both_line)) {
		TH_LOG("%s", self->output);
	}
	EXPECT_EQ(NULL, strstr(self->output, "idle"));

	close(fd);
	EXPECT_EQ(0, run("mapdevctl users t", self->output, sizeof(self->output)));
	EXPECT_TRUE(has_line(self->output, mapped_line)) {
		TH_LOG("%s", self->output);
	}
	/* A retired region has no name, and still keeps the module. */
	EXPECT_EQ(0, run("mapdevctl destroy t", self->output, sizeof(self->output)));
	EXPECT_EQ(0, rmdir(CONFIGFS "/idle"));
	EXPECT_EQ(EAGAIN, module_unload("mapdev"));
	EXPECT_EQ(0, run("mapdevctl users", self->output, sizeof(self->output)));
	EXPECT_TRUE(has_line(self->output, retired_line)) {
		TH_LOG("%s", self->output);
	}
	munmap(map, PAGE);
	EXPECT_EQ(0, run("mapdevctl users", self->output, sizeof(self->output)));
	EXPECT_STREQ("REGION           USED BY\n", self->output);
}

/* Read lines until one has all these words; false at the end of the output. */
static bool wait_line(FILE *pipe, const char *region, const char *state,
		      const char *mappings, const char *dirty)
{
	char line[256], got[6][64];

	while (fgets(line, sizeof(line), pipe))
		if (sscanf(line, "%63s %63s %63s %63s %63s %63s", got[0], got[1], got[2],
			   got[3], got[4], got[5]) == 6 &&
		    !strcmp(got[1], region) && !strcmp(got[2], state) &&
		    !strcmp(got[3], mappings) && !strcmp(got[5], dirty))
			return true;
	return false;
}

/* Run "watch"; its output is in @pipe. */
static pid_t start_watch(FILE **pipe)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("mapdevctl", "mapdevctl", "watch", NULL);
		_exit(127);
	}
	close(ends[1]);
	*pipe = fdopen(ends[0], "r");
	return pid;
}

/* What watch sees of a region from its start to its end; it collects nothing. */
TEST_F_TIMEOUT(operator, watch, 120)
{
	FILE *pipe = NULL;
	pid_t pid = start_watch(&pipe);
	u8 *map;
	int fd;

	ASSERT_LT(0, pid);
	ASSERT_NE(NULL, pipe);
	ASSERT_EQ(0, run("mapdevctl create t 1M backing=pages dirty=1", self->output,
			 sizeof(self->output)));
	EXPECT_TRUE(wait_line(pipe, "t", "live", "0", "0"));
	fd = open("/dev/mapdev/t", O_RDWR);
	ASSERT_EQ(0, try_mmap(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &map));
	EXPECT_TRUE(wait_line(pipe, "t", "live", "1", "0"));
	store_byte(map, 1);
	store_byte(map + 2 * PAGE, 1);
	EXPECT_TRUE(wait_line(pipe, "t", "live", "1", "2"));
	EXPECT_EQ(0, run("mapdevctl revoke t", self->output, sizeof(self->output)));
	EXPECT_TRUE(wait_line(pipe, "t", "revoked", "1", "2"));
	EXPECT_EQ(0, run("mapdevctl restore t", self->output, sizeof(self->output)));
	EXPECT_TRUE(wait_line(pipe, "t", "live", "1", "2"));
	EXPECT_EQ(0, run("mapdevctl dirty t | wc -l", self->output, sizeof(self->output)));
	EXPECT_STREQ("2\n", self->output);
	EXPECT_TRUE(wait_line(pipe, "t", "live", "1", "0"));
	munmap(map, 4 * PAGE);
	close(fd);
	EXPECT_EQ(0, run("mapdevctl destroy t", self->output, sizeof(self->output)));
	EXPECT_TRUE(wait_line(pipe, "t", "gone", "-", "-"));

	EXPECT_EQ(0, kill(pid, SIGTERM));
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	fclose(pipe);
}

/* The count of the kernel. */
TEST_F(operator, dirty_pending)
{
	char line[64];

	ASSERT_EQ(0, run("mapdevctl create t 1M backing=pages dirty=1; mapdevctl create o 1M",
			 self->output, sizeof(self->output)));
	ASSERT_EQ(0, run("printf xy | dd of=/dev/mapdev/t bs=1 seek=65535 status=none",
			 self->output, sizeof(self->output)));
	for (int i = 0; i < 2; i++)
		EXPECT_STREQ("2", read_line(CLASS "/t/dirty_pending", line, sizeof(line)));
	EXPECT_EQ(0, run("mapdevctl dirty t", self->output, sizeof(self->output)));
	EXPECT_STREQ("0", read_line(CLASS "/t/dirty_pending", line, sizeof(line)));
	EXPECT_NE(0, access(CLASS "/o/dirty_pending", F_OK));
	EXPECT_EQ(0, run("mapdevctl destroy t; mapdevctl destroy o", self->output,
			 sizeof(self->output)));
}

/* Faults are in columns: all, and by lock. */
TEST_F(operator, stat_in_columns)
{
	unsigned long long all = 0, vma_lock = 0, mmap_lock = 0;
	const char *line;
	int fd, got;
	u8 *map;

	ASSERT_EQ(0, run("mapdevctl create t 64K backing=pages", self->output,
			 sizeof(self->output)));
	fd = open("/dev/mapdev/t", O_RDWR);
	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, &map));
	store_byte(map, 1);
	munmap(map, PAGE);
	close(fd);
	EXPECT_EQ(0, run("mapdevctl stat t", self->output, sizeof(self->output)));
	EXPECT_TRUE(strstr(self->output, "COUNTER ") == self->output);
	line = strstr(self->output, "\nfault ");
	ASSERT_NE(NULL, line);
	got = sscanf(line, " fault %llu %llu %llu\n", &all, &vma_lock, &mmap_lock);
	EXPECT_EQ(3, got);
	EXPECT_EQ(1, all);
	EXPECT_EQ(all, vma_lock + mmap_lock);
	EXPECT_EQ(NULL, strstr(self->output, "_lock"));
	EXPECT_NE(NULL, strstr(self->output, "\nrevoke                  0\n"));
	EXPECT_EQ(0, run("mapdevctl destroy t", self->output, sizeof(self->output)));
}

/* A modprobe that finds the module of this build, or fails. */
static int shim(const char *script)
{
	char path[96], old[4096];
	int err;

	snprintf(path, sizeof(path), "/tmp/operator-%d", getpid());
	if (mkdir(path, 0755) && errno != EEXIST)
		return errno;
	snprintf(old, sizeof(old), "%s:%s", path, getenv("PATH"));
	setenv("PATH", old, 1);
	snprintf(path, sizeof(path), "/tmp/operator-%d/modprobe", getpid());
	err = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755);
	if (err < 0)
		return errno;
	dprintf(err, "#!/bin/sh\n%s\n", script);
	close(err);
	return 0;
}

TEST_F(operator, create_loads_the_module)
{
	ASSERT_EQ(0, shim("echo tried \"$@\"; exit 1"));
	ASSERT_EQ(0, module_unload("mapdev"));
	EXPECT_EQ(1, run("mapdevctl create t 64K", self->output, sizeof(self->output)));
	EXPECT_NE(NULL, strstr(self->output, "tried mapdev\n"));
	EXPECT_NE(NULL, strstr(self->output, "modprobe mapdev failed"));
	EXPECT_EQ(1, run("mapdevctl destroy t", self->output, sizeof(self->output)));
	EXPECT_NE(NULL, strstr(self->output, "mapdev is not loaded"));

	ASSERT_EQ(0, shim("exec insmod $MAPDEV_KO allow_phys=1"));
	EXPECT_EQ(0, run("mapdevctl create t 64K", self->output, sizeof(self->output))) {
		TH_LOG("%s", self->output);
	}
	EXPECT_EQ(0, access("/dev/mapdev/t", F_OK));
	EXPECT_EQ(0, run("mapdevctl destroy t", self->output, sizeof(self->output)));
}

/* What is completed is what there is. */
TEST_F(operator, completion)
{
	static const struct {
		const char *words, *is;
	} cases[] = {
		{ "mapdevctl cr", "create" },
		{ "mapdevctl re", "revoke restore resize" },
		{ "mapdevctl show o", "one" },
		{ "mapdevctl list ''", "--json" },
		{ "mapdevctl create x 1M b", "backing=" },
		{ "mapdevctl create x 1M backing = c", "contig" },
		{ "mapdevctl create x 1M map =", "demand eager" },
		{ "mapdevctl create x 1M dirty = ''", "0 1" },
		{ "mapdevctl create ''", "" },
	};
	char script[1024];

	ASSERT_EQ(0, run("mapdevctl create one 64K", self->output, sizeof(self->output)));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(script, sizeof(script),
			 "bash -c 'source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mapdevctl; echo -n \"${COMPREPLY[@]}\"'",
			 COMPLETION, cases[i].words);
		/* A quote ends the script of bash. */
		for (char *quote = strstr(script, "''"); quote; quote = strstr(quote, "''"))
			memcpy(quote, "\"\"", 2);
		EXPECT_EQ(0, run(script, self->output, sizeof(self->output)));
		EXPECT_STREQ(cases[i].is, self->output) {
			TH_LOG("%s", cases[i].words);
		}
	}
	/* All commands, and all attributes. */
	EXPECT_EQ(0, run("mapdevctl --help | sed -n 's/^  \\([a-z]*\\) .*/\\1/p' | sort >/tmp/is; "
			 "sed -n \"s/^.local commands='\\(.*\\)'/\\1/p\" " COMPLETION
			 " | tr ' ' '\\n' | sort | diff /tmp/is -",
			 self->output, sizeof(self->output))) {
		TH_LOG("%s", self->output);
	}
	EXPECT_EQ(0, run("ls -I live -I error -I size " CONFIGFS "/one | sed 's/$/=/' >/tmp/is; "
			 "sed -n \"s/^.local attributes='\\(.*\\)'/\\1/p\" " COMPLETION
			 " | tr ' ' '\\n' | sort | diff /tmp/is -",
			 self->output, sizeof(self->output))) {
		TH_LOG("%s", self->output);
	}
	EXPECT_EQ(0, run("mapdevctl destroy one", self->output, sizeof(self->output)));
}

TEST_HARNESS_MAIN
