// SPDX-License-Identifier: GPL-2.0
/*
 * The examples of Documentation/admin-guide/tracing.rst, run as they stand there. Each line
 * that the page shows has to come, in its order, among those that are printed:
 * what a tool says of itself, and times, are not shown.
 */
#include "command.h"
#include "test.h"

#define INDENT 4

/* The program that the page traces. */
static int make_toucher(void)
{
	int fd = open("/tmp/touch-demo", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		return -1;
	dprintf(fd, "import mmap, os\n"
		"fd = os.open('/dev/mapdev/demo', os.O_RDWR)\n"
		"mmap.mmap(fd, mmap.PAGESIZE)[0] = 1\n");
	return close(fd);
}

FIXTURE(tracing) {
	char command[1024];	/* as far as it was read */
	char shown[1024];	/* what is still to come of its output */
	char at[256];		/* where the page has gone by cd */
	int commands;
};

FIXTURE_SETUP(tracing)
{
	char output[256];

	if (access("/sys/kernel/tracing/kprobe_events", F_OK))
		SKIP(return, "no kprobes, and no BPF");
	find_tool();
	ASSERT_EQ(0, make_toucher());
	snprintf(self->at, sizeof(self->at), "/");
	ASSERT_EQ(0, run("mapdevctl create demo 4M", output, sizeof(output)));
}

FIXTURE_TEARDOWN(tracing)
{
	char output[256];

	EXPECT_EQ(0, run("mapdevctl destroy demo", output, sizeof(output)));
}

/* The first line of shown that does not come in output, in its order; or NULL. */
static const char *missing(char *shown, const char *output)
{
	char *line;

	while ((line = strsep(&shown, "\n"))) {
		output = strstr(output, line);
		if (!output)
			return line;
		output += strlen(line);
	}
	return NULL;
}

static bool quote_is_open(const char *command)
{
	int quotes = 0;

	while ((command = strchr(command, '\''))) {
		quotes++;
		command++;
	}
	return quotes % 2;
}

static void append(char *to, size_t size, const char *line)
{
	strncat(to, line, size - strlen(to) - 1);
}

TEST_F_TIMEOUT(tracing, examples, 400)
{
	FILE *page = fopen(TRACING_PAGE, "r");
	char line[256], full[2048], output[8192], shown[1024];
	const char *lost;
	bool more;

	ASSERT_NE(NULL, page);
	do {
		bool code, begins;

		more = fgets(line, sizeof(line), page);
		line[strcspn(line, "\n")] = '\0';
		code = more && !strncmp(line, "    ", INDENT);
		begins = code && line[INDENT] == '#';
		if (quote_is_open(self->command)) {
			ASSERT_TRUE(code);
			append(self->command, sizeof(self->command), line);
			continue;
		}
		if (self->command[0] && (begins || !code)) {
			snprintf(full, sizeof(full), "cd %s && { %s; }",
				 self->at, self->command);
			snprintf(shown, sizeof(shown), "%s", self->shown);
			EXPECT_EQ(0, run(full, output, sizeof(output)));
			lost = missing(shown, output);
			EXPECT_EQ(NULL, lost) {
				TH_LOG("%s: no \"%s\" in:\n%s", self->command,
				       lost, output);
			}
			if (!strncmp(self->command, "cd ", 3))
				snprintf(self->at, sizeof(self->at), "%.200s",
					 self->command + 3);
			self->command[0] = '\0';
			self->shown[0] = '\0';
			self->commands++;
		}
		if (begins) {
			append(self->command, sizeof(self->command),
			       line + INDENT + 2);
		} else if (code && self->command[0]) {
			append(self->shown, sizeof(self->shown), line + INDENT);
			append(self->shown, sizeof(self->shown), "\n");
		}
	} while (more);
	fclose(page);
	EXPECT_EQ(19, self->commands);
}

TEST_HARNESS_MAIN
