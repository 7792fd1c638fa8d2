// SPDX-License-Identifier: GPL-2.0
/*
 * mapdevctl: the examples of its manual page, run as they stand there and
 * compared with what the page shows; and what it says when something is wrong.
 */
#include "command.h"

/* The page's way to write a hyphen. */
static void unescape(char *line)
{
	char *hyphen;

	while ((hyphen = strstr(line, "\\-")))
		memmove(hyphen, hyphen + 1, strlen(hyphen));
}

FIXTURE(mapdevctl) {
	int unused;
};

FIXTURE_SETUP(mapdevctl)
{
	find_tool();
}

FIXTURE_TEARDOWN(mapdevctl)
{
}

TEST_F_TIMEOUT(mapdevctl, examples, 120)
{
	char line[256], command[256] = "", shown[4096] = "", output[4096];
	FILE *page = fopen(MANUAL, "r");
	bool inside = false, section = false;
	int commands = 0;

	if (no_huge_pages())
		SKIP(return, "the manual's granules are larger than a page");
	ASSERT_NE(NULL, page);
	while (fgets(line, sizeof(line), page)) {
		bool end = inside && !strcmp(line, ".EE\n");
		bool begins = inside && (line[0] == '#' || line[0] == '$') &&
			      line[1] == ' ';

		section |= !strcmp(line, ".SH EXAMPLES\n");
		if ((begins || end) && command[0]) {
			EXPECT_EQ(0, run(command, output, sizeof(output)));
			EXPECT_STREQ(shown, output) {
				TH_LOG("%s", command);
			}
			command[0] = '\0';
			shown[0] = '\0';
			commands++;
		}
		unescape(line);
		if (begins)
			snprintf(command, sizeof(command), "%.*s",
				 (int)strcspn(line + 2, "\n"), line + 2);
		else if (inside && !end)
			strncat(shown, line, sizeof(shown) - strlen(shown) - 1);
		inside = section && (inside || !strcmp(line, ".EX\n")) && !end;
	}
	fclose(page);
	EXPECT_LT(10, commands);
}

static const struct {
	const char *command;
	int status;
	const char *says;
} cases[] = {
	{ "mapdevctl", 2, "no command given" },
	{ "mapdevctl make", 2, "no command named make" },
	{ "mapdevctl create", 2, "create NAME SIZE" },
	{ "mapdevctl list x", 2, "it is: mapdevctl list" },
	{ "mapdevctl create a/b 1M", 1, "cannot be a name" },
	{ "mapdevctl create ../x 1M", 1, "cannot be a name" },
	{ "mapdevctl create '' 1M", 1, "cannot be a name" },
	{ "mapdevctl create t 1X", 1, "size cannot be \"1X\"" },
	{ "mapdevctl create t 5000", 1, "do not go together" },
	{ "mapdevctl create t 1M colour=red", 1, "no attribute \"colour\"" },
	{ "mapdevctl create t 1M ../t/ro=1", 1, "no attribute" },
	{ "mapdevctl create t 1M ro", 2, "is not ATTRIBUTE=VALUE" },
	{ "mapdevctl create t 1M ro=x", 1, "ro cannot be \"x\"" },
	{ "mapdevctl create t 1M pin=1", 1, "do not go together" },
	{ "mapdevctl create t 4000000G", 1, "more than max_bytes" },
	{ "mapdevctl show t", 1, "no region named t" },
	{ "mapdevctl show ../mapdev", 1, "no region named" },
	{ "mapdevctl destroy t", 1, "no region named t" },
	{ "mapdevctl stat t", 1, "no region named t" },
	{ "mapdevctl create t 1M", 0, "" },
	{ "mapdevctl create t 1M", 1, "region t exists; mapdevctl destroy t" },
	{ "mapdevctl restore t", 1, "is not revoked" },
	{ "mapdevctl resize t 2X", 1, "size cannot be \"2X\"" },
	{ "mapdevctl resize t 4000000G", 1, "more than max_bytes" },
	{ "mapdevctl resize t 1G", 0, "" },
	{ "mapdevctl discard t 1 1", 1, "multiples of the page size" },
	{ "mapdevctl discard t 0 2G", 1, "end within the region" },
	{ "mapdevctl discard t 0 x", 2, "is no size" },
	{ "mapdevctl discard t -- -4K 4K", 2, "is no size" },
	{ "mapdevctl discard t 0 17179869184G", 2, "is no size" },
	{ "mapdevctl discard t 4K 8K", 0, "" },
	{ "mapdevctl dirty t", 1, "make it with dirty=1" },
	{ "mapdevctl stat t --json", 0, "{\"prepare\":0," },
	{ "mapdevctl revoke t", 0, "" },
	{ "mapdevctl revoke t", 1, "mapdevctl restore" },
	{ "mapdevctl resize t 1M", 1, "is revoked; mapdevctl restore t" },
	{ "mapdevctl discard t 0 4K", 1, "is revoked; mapdevctl restore t" },
	{ "mapdevctl restore t", 0, "" },
	{ "mapdevctl destroy t", 0, "" },
	{ "mapdevctl create t 1M backing=pages", 0, "" },
	{ "mapdevctl resize t 2M", 1, "memory of a fixed size" },
	{ "mapdevctl discard t 0 4K", 1, "keeps its memory" },
	{ "mapdevctl destroy t", 0, "" },
	{ "mapdevctl create t 1M dirty=1", 0, "" },
	{ "mapdevctl dirty t --json", 0, "[]\n" },
	{ "mapdevctl discard t 64K 64K", 0, "" },
	{ "mapdevctl dirty t", 0, "65536 65536\n" },
	{ "mapdevctl dirty t", 0, "" },
	{ "mapdevctl resize t 1088K", 0, "" },
	{ "mapdevctl dirty t --json", 0, "{\"offset\":1048576,\"length\":65536}" },
	{ "mapdevctl destroy t", 0, "" },
	{ "mapdevctl create t 1M ro=1", 0, "" },
	{ "mapdevctl discard t 0 4K", 1, "is read-only" },
	{ "mapdevctl destroy t", 0, "" },
};

TEST_F_TIMEOUT(mapdevctl, messages, 120)
{
	char output[4096];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(cases[i].status,
			  run(cases[i].command, output, sizeof(output))) {
			TH_LOG("%s: %s", cases[i].command, output);
		}
		EXPECT_NE(NULL, strstr(output, cases[i].says)) {
			TH_LOG("%s: %s", cases[i].command, output);
		}
	}
	EXPECT_NE(0, access("/dev/mapdev/t", F_OK));
}

/* Who is not root is told so, and looks as he likes. */
TEST_F_TIMEOUT(mapdevctl, not_root, 120)
{
	static const struct {
		const char *command;
		int status;
		const char *says;
	} user_cases[] = {
		{ "mapdevctl create u 1M", 1, "need root" },
		{ "mapdevctl destroy t", 1, "need root" },
		{ "mapdevctl revoke t", 1, "need root" },
		{ "mapdevctl resize t 2M", 1, "need root" },
		{ "mapdevctl discard t 0 4K", 1, "need root" },
		{ "mapdevctl stat t", 1, "need root" },
		{ "mapdevctl list", 0, "live" },
		{ "mapdevctl show t", 0, "1M (1048576 bytes)" },
	};
	char output[4096], path[PATH_MAX + 64];
	int status;
	pid_t pid;

	ASSERT_EQ(0, run("mapdevctl create t 1M", output, sizeof(output)));
	/* Nobody may not look into the directory that it was built in. */
	snprintf(path, sizeof(path), "/tmp/mapdevctl-%d", getpid());
	ASSERT_EQ(0, mkdir(path, 0755));
	snprintf(path, sizeof(path),
		 "install -m 755 $(command -v mapdevctl) /tmp/mapdevctl-%d",
		 getpid());
	ASSERT_EQ(0, run(path, output, sizeof(output)));
	snprintf(path, sizeof(path), "/tmp/mapdevctl-%d:%s", getpid(),
		 getenv("PATH"));
	setenv("PATH", path, 1);
	pid = fork();
	if (!pid) {
		if (drop_root())
			_exit(255);
		for (size_t i = 0; i < ARRAY_SIZE(user_cases); i++)
			if (run(user_cases[i].command, output,
				sizeof(output)) != user_cases[i].status ||
			    !strstr(output, user_cases[i].says)) {
				printf("# %s: %s\n", user_cases[i].command,
				       output);
				_exit(i + 1);
			}
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, run("mapdevctl destroy t", output, sizeof(output)));
}

TEST_HARNESS_MAIN
