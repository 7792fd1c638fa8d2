// SPDX-License-Identifier: GPL-2.0
/*
 * mapdevctl: the examples of its manual page, run as they stand there and
 * compared with what the page shows; and what it says when something is wrong.
 */
#include <fnmatch.h>
#include <sys/sysmacros.h>

#include "command.h"
#include "is_node.h"
#include "module.h"
#include "test.h"

/* A hyphen is escaped in the page. */
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
	{ "mapdevctl list x", 2, "usage: mapdevctl list" },
	{ "mapdevctl create a/b 1M", 1, "cannot be a name" },
	{ "mapdevctl create ../x 1M", 1, "cannot be a name" },
	{ "mapdevctl create '' 1M", 1, "cannot be a name" },
	{ "mapdevctl create t 1X", 1, "size cannot be \"1X\"" },
	{ "mapdevctl create t 5000", 1, "size 5000: expected a multiple of the page size" },
	{ "mapdevctl create t 64MB", 1, "\"64MB\": expected bytes in whole pages, with K, M or G" },
	{ "mapdevctl create t 1T", 1, "\"1T\": expected bytes in whole pages, with K, M or G" },
	{ "mapdevctl create t 0", 1, "size is 0 or not set: expected a multiple of the page" },
	{ "mapdevctl create t 100", 1, "size 100: expected a multiple of the page size" },
	{ "mapdevctl create t 1M backing=granule=2M", 1, "expected paged, pages, vmalloc, contig" },
	{ "mapdevctl create t 1M colour=red", 1, "no attribute \"colour\"; there are backing" },
	{ "mapdevctl create t 1M error=x", 1, "no attribute \"error\"" },
	{ "mapdevctl create t 1M ../t/ro=1", 1, "no attribute" },
	{ "mapdevctl create t 1M ro", 2, "is not ATTRIBUTE=VALUE" },
	{ "mapdevctl create t 1M ro=", 1, "ro cannot be \"\"" },
	{ "mapdevctl create t ''", 1, "size cannot be \"\"" },
	{ "mapdevctl create t 1M ro=x", 1, "ro cannot be \"x\"" },
	{ "mapdevctl create t 1M pin=1", 1, "pin cannot be set for backing paged" },
	{ "mapdevctl create t 1M backing=contig dirty=1", 1, "dirty=1 needs pin=1" },
	{ "mapdevctl create t 64K backing=window phys=0", 1, "overlap System RAM" },
	{ "mapdevctl create t 4000000G", 1, "more than max_bytes" },
	{ "mapdevctl show t", 1, "no region named t" },
	{ "mapdevctl show ../mapdev", 1, "no region named" },
	{ "mapdevctl destroy t", 1, "no region named t" },
	{ "mapdevctl stat t", 1, "no region named t" },
	{ "mapdevctl create t 1M", 0, "" },
	{ "mapdevctl create t 1M", 1, "region t exists; mapdevctl destroy t" },
	{ "mapdevctl restore t", 1, "is not revoked" },
	{ "mapdevctl resize t 2X", 1, "size cannot be \"2X\": expected bytes" },
	{ "mapdevctl resize t 5000", 1, "size 5000: expected a multiple" },
	{ "mapdevctl resize t ''", 1, "size cannot be \"\"" },
	{ "mapdevctl resize t 4000000G", 1, "more than max_bytes" },
	{ "mapdevctl resize t 1G", 0, "" },
	{ "mapdevctl discard t 1 1", 1, "multiples of the page size" },
	{ "mapdevctl discard t 0 2G", 1, "end within the region" },
	{ "mapdevctl discard t 0 x", 2, "is not a size" },
	{ "mapdevctl discard t -- -4K 4K", 2, "is not a size" },
	{ "mapdevctl discard t 0 17179869184G", 2, "is not a size" },
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

TEST_F_TIMEOUT(mapdevctl, messages, 600)
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

/* Every bracket that is opened outside of a string is closed, and a line with it. */
static bool json_is_whole(const char *text)
{
	size_t length = strlen(text);
	bool in_string = false;
	int depth = 0;

	for (const char *c = text; *c; c++) {
		if (in_string && *c == '\\' && c[1])
			c++;
		else if (*c == '"')
			in_string = !in_string;
		else if (!in_string)
			depth += !!strchr("[{", *c) - !!strchr("]}", *c);
	}
	return length && text[length - 1] == '\n' && !in_string && !depth;
}

/*
 * Regions whose nodes others may not open (t, of memory that one physical address
 * says all of, and w), and one whose node they may (o).
 */
static const char * const others[] = {
	"create t 1M backing=contig",
	"create w 64K backing=window phys=0x240000000",
	"create o 1M dirty=1 mode=0666",
};

static const struct {
	const char *command;
	int status;
	const char *says;
} user_cases[] = {
	{ "mapdevctl create u 1M", 1, "need root" },
	{ "mapdevctl destroy t", 1, "need root" },
	{ "mapdevctl revoke t", 1, "need root" },
	{ "mapdevctl revoke o", 1, "need root" },
	{ "mapdevctl restore o", 1, "need root" },
	{ "mapdevctl resize t 2M", 1, "need root" },
	{ "mapdevctl resize o 2M", 1, "need root" },
	{ "mapdevctl discard t 0 4K", 1, "Permission denied: its mode is 0600, of user 0" },
	{ "mapdevctl discard o 0 64K", 0, "" },
	{ "mapdevctl dirty t", 1, "Permission denied: its mode is 0600, of user 0" },
	{ "mapdevctl users", 0, "only your own processes" },
	{ "mapdevctl dirty o", 0, "0 65536\n" },
	{ "mapdevctl dirty o --json", 0, "[]\n" },
	{ "mapdevctl stat t", 1, "need root" },
	{ "mapdevctl stat o --json", 1, "need root" },
	{ "mapdevctl show u", 1, "no region named u" },
	{ "mapdevctl list", 0, "live" },
	{ "mapdevctl list --json", 0, "\"name\":\"w\"" },
	{ "mapdevctl list --json", 0, "\"backing\":\"window\"" },
	{ "mapdevctl show t", 0, "1M (1048576 bytes)" },
	{ "mapdevctl show t", 0, "phys_addr    -\n" },
	{ "mapdevctl show t --json", 0, "\"dirty\":0}\n" },
	{ "mapdevctl show w", 0, "phys_addr    -\n" },
	{ "mapdevctl show w --json", 0, "\"node\":\"/dev/mapdev/w\"" },
	{ "mapdevctl show o --json", 0, "\"size\":1048576," },
};

static void try_as_user(void)
{
	char output[8192];

	if (drop_root())
		_exit(255);
	for (size_t i = 0; i < ARRAY_SIZE(user_cases); i++) {
		const char *command = user_cases[i].command;
		int status = run(command, output, sizeof(output));

		if (status == user_cases[i].status &&
		    strstr(output, user_cases[i].says) &&
		    (status || !strstr(command, "--json") || json_is_whole(output)))
			continue;
		printf("# %s: %d, %s\n", command, status, output);
		_exit(i + 1);
	}
	/* Values for root only are not printed. */
	run("mapdevctl list --json", output, sizeof(output));
	_exit(strstr(output, "phys_addr") ? 254 : 0);
}

/* Without root, changes are refused with a message; reading works. */
TEST_F_TIMEOUT(mapdevctl, not_root, 120)
{
	char output[8192], path[PATH_MAX + 64];
	char before[64], after[64];
	int status;
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(path, sizeof(path), "mapdevctl %s", others[i]);
		ASSERT_EQ(0, run(path, output, sizeof(output))) {
			TH_LOG("%s: %s", path, output);
		}
	}
	/* An unprivileged user cannot search the build directory. */
	snprintf(path, sizeof(path), "/tmp/mapdevctl-%d", getpid());
	ASSERT_EQ(0, mkdir(path, 0755));
	snprintf(path, sizeof(path),
		 "install -m 755 $(command -v mapdevctl) /tmp/mapdevctl-%d",
		 getpid());
	ASSERT_EQ(0, run(path, output, sizeof(output)));
	snprintf(path, sizeof(path), "/tmp/mapdevctl-%d:%s", getpid(),
		 getenv("PATH"));
	setenv("PATH", path, 1);
	run("dmesg | grep -c mapdev:", before, sizeof(before));
	pid = fork();
	if (!pid)
		try_as_user();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* What is refused to them is not in the log, which they could flood. */
	run("dmesg | grep -c mapdev:", after, sizeof(after));
	EXPECT_STREQ(before, after);
	EXPECT_EQ(0, run("mapdevctl list --json", output, sizeof(output)));
	EXPECT_TRUE(json_is_whole(output));
	EXPECT_NE(NULL, strstr(output, "\"phys_addr\":\"0x0000000240000000\""));
	EXPECT_EQ(0, run("mapdevctl destroy t; mapdevctl destroy w; mapdevctl destroy o",
			 output, sizeof(output)));
}

/*
 * Something else is where the node of a region should be. The kernel says nothing;
 * mapdevctl does, and leaves it as it is.
 */
FIXTURE(no_node) {
	char output[4096];
};

FIXTURE_VARIANT(no_node) {
	const char *put;	/* it there */
	const char *is;		/* and prove that it is untouched */
};

FIXTURE_VARIANT_ADD(no_node, file) {
	.put = "echo early >/dev/mapdev/t",
	.is = "[ \"$(cat /dev/mapdev/t)\" = early ]",
};

FIXTURE_VARIANT_ADD(no_node, fifo) {
	.put = "mkfifo /dev/mapdev/t",
	.is = "[ -p /dev/mapdev/t ]",
};

FIXTURE_VARIANT_ADD(no_node, directory) {
	.put = "mkdir /dev/mapdev/t",
	.is = "[ -d /dev/mapdev/t ]",
};

FIXTURE_VARIANT_ADD(no_node, link_to_nothing) {
	.put = "ln -s nothing /dev/mapdev/t",
	.is = "[ -L /dev/mapdev/t ]",
};

FIXTURE_VARIANT_ADD(no_node, other_device) {
	.put = "mknod /dev/mapdev/t c 1 3",
	.is = "[ \"$(stat -c %t:%T /dev/mapdev/t)\" = 1:3 ]",
};

/* The numbers are right, but it is a disk. */
FIXTURE_VARIANT_ADD(no_node, block_device) {
	.put = "set $(stat -c '%Hr %Lr' /dev/mapdev/other) && mknod /dev/mapdev/t b $1 $(($2 + 1))",
	.is = "[ -b /dev/mapdev/t ]",
};

FIXTURE_SETUP(no_node)
{
	find_tool();
	/* The directory is there as long as a node is. */
	ASSERT_EQ(0, run("mapdevctl create other 1M", self->output,
			 sizeof(self->output)));
}

FIXTURE_TEARDOWN(no_node)
{
	EXPECT_EQ(0, run("rm -rf /dev/mapdev/t; mapdevctl destroy other", self->output,
			 sizeof(self->output)));
}

/* The region is not made, and an errno says why. */
TEST_F(no_node, create)
{
	char script[512];

	snprintf(script, sizeof(script), "%s && mapdevctl create t 1M", variant->put);
	EXPECT_EQ(1, run(script, self->output, sizeof(self->output)));
	EXPECT_NE(NULL, strstr(self->output, "/dev/mapdev/t: File exists")) {
		TH_LOG("%s", self->output);
	}
	EXPECT_NE(0, access(CLASS "/t", F_OK));
	EXPECT_NE(0, access(CONFIGFS "/t", F_OK));

	/* It stays as it is; and where it is gone, the region is made. */
	snprintf(script, sizeof(script),
		 "%s && rm -r /dev/mapdev/t && mapdevctl create t 1M && mapdevctl destroy t",
		 variant->is);
	EXPECT_EQ(0, run(script, self->output, sizeof(self->output))) {
		TH_LOG("%s", self->output);
	}
}

/* A region that has lost its node: every command says so. */
TEST_F(mapdevctl, lost_node)
{
	static const struct {
		const char *command;
		int status;
		const char *says;
	} steps[] = {
		{ "mapdevctl create other 1M", 0, "" },
		{ "mapdevctl create t 1M dirty=1", 0, "" },
		{ "rm /dev/mapdev/t; mapdevctl list", 0, " no node\n" },
		{ "mapdevctl dirty t", 1, "no node /dev/mapdev/t: No such file" },
		{ "ln /dev/mapdev/other /dev/mapdev/t; mapdevctl list", 0, " no node\n" },
		{ "mapdevctl list | grep ^other | grep -c 'no node'", 1, "0\n" },
		{ "mapdevctl list --json", 0, "\"name\":\"t\",\"node\":null," },
		{ "mapdevctl list --json", 0, "\"node\":\"/dev/mapdev/other\"," },
		{ "mapdevctl show t", 0, "node         -\n" },
		{ "mapdevctl dirty t", 1, "/dev/mapdev/t: File exists" },
		{ "mapdevctl discard t 0 64K", 1, "/dev/mapdev/t: File exists" },
		{ "mapdevctl destroy t", 0, "" },
		{ "rm /dev/mapdev/t; mapdevctl destroy other", 0, "" },
	};
	char output[4096];

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		EXPECT_EQ(steps[i].status,
			  run(steps[i].command, output, sizeof(output)));
		EXPECT_NE(NULL, strstr(output, steps[i].says)) {
			TH_LOG("%s: %s", steps[i].command, output);
		}
	}
}

/* The example of mapdev(4). */
TEST_F(mapdevctl, is_node)
{
	struct region t, other;
	int fd, file;

	ASSERT_EQ(0, region_create(&t, "size=1M"));
	ASSERT_EQ(0, region_create(&other, "size=1M"));
	fd = open(t.node, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(is_node(fd, t.name));
	EXPECT_FALSE(is_node(fd, other.name));
	EXPECT_FALSE(is_node(fd, "no-region"));
	close(fd);

	/* What a program left that came too early: the kernel says nothing. */
	ASSERT_EQ(0, region_set(&t, "live", "0"));
	file = open(t.node, O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, region_set(&t, "live", "1"));
	EXPECT_FALSE(is_node(file, t.name));
	close(file);
	EXPECT_EQ(0, unlink(t.node));
	EXPECT_EQ(0, region_destroy(&t));
	EXPECT_EQ(0, region_destroy(&other));
}

/* The errno of open for a user with that group and no capability. */
static int open_as(const char *node, gid_t group)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgroups(0, NULL) || setgid(group) || setuid(65534))
			_exit(255);
		_exit(open(node, O_RDWR) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

#define OUR_GROUP 4711

/* The value of one key in a line of rules, or NULL. */
static const char *rule_value(const char *line, const char *key, char *value)
{
	const char *found = strstr(line, key);

	return found && sscanf(found + strlen(key), "\"%31[^\"]\"", value) == 1 ?
	       value : NULL;
}

/* Apply a rule to a node; false if it does not match. */
static bool apply_rule(const char *rule, const char *name, const char *node)
{
	char value[32];

	if (rule_value(rule, "KERNEL==", value) && fnmatch(value, name, 0))
		return false;
	if (rule_value(rule, "GROUP=", value) && chown(node, -1, OUR_GROUP))
		return false;
	return !rule_value(rule, "MODE=", value) ||
	       !chmod(node, strtoul(value, NULL, 8));
}

/* The examples for udev(7), each alone: only the group gets access. */
TEST_F_TIMEOUT(mapdevctl, udev_examples, 120)
{
	static const struct {
		const char *name, *attrs;
		mode_t mode;
	} regions[] = {
		{ "demo", "", 0600 },
		{ "pci-x", "backing=window phys=0x240000000 mode=0660", 0660 },
	};
	char command[192], node[64], line[256], output[4096];
	int examples = 0, opened[ARRAY_SIZE(regions)] = {};
	FILE *rules = fopen(RULES, "r");

	ASSERT_NE(NULL, rules);
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		snprintf(command, sizeof(command), "mapdevctl create %s 64K %s",
			 regions[i].name, regions[i].attrs);
		ASSERT_EQ(0, run(command, output, sizeof(output)));
	}
	while (fgets(line, sizeof(line), rules)) {
		if (sscanf(line, "#   options mapdev_pci %191s", command) == 1) {
			EXPECT_EQ(0, module_load("mapdev_pci", command));
			read_line("/sys/module/mapdev_pci/parameters/mode", line,
				  sizeof(line));
			EXPECT_EQ(regions[1].mode, strtoul(line, NULL, 8));
			EXPECT_EQ(0, module_unload("mapdev_pci"));
		}
		if (strncmp(line, "#SUBSYSTEM==\"mapdev\"", 20))
			continue;
		examples++;
		for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
			snprintf(node, sizeof(node), "/dev/mapdev/%s",
				 regions[i].name);
			ASSERT_EQ(0, chown(node, 0, 0));
			ASSERT_EQ(0, chmod(node, regions[i].mode));
			if (!apply_rule(line, regions[i].name, node))
				continue;
			opened[i]++;
			EXPECT_EQ(0, open_as(node, OUR_GROUP)) {
				TH_LOG("%s: %s", regions[i].name, line);
			}
			EXPECT_EQ(EACCES, open_as(node, OUR_GROUP + 1));
		}
	}
	fclose(rules);
	EXPECT_EQ(3, examples);
	EXPECT_EQ(2, opened[0]);
	EXPECT_EQ(2, opened[1]);

	/* What is done to the node of a window alone is not enough. */
	EXPECT_EQ(0, run("mapdevctl destroy pci-x", output, sizeof(output)));
	EXPECT_EQ(0, run("mapdevctl create pci-x 64K backing=window phys=0x240000000",
			 output, sizeof(output)));
	EXPECT_TRUE(apply_rule("GROUP=\"x\", MODE=\"0660\"", "pci-x",
			       "/dev/mapdev/pci-x"));
	EXPECT_EQ(EPERM, open_as("/dev/mapdev/pci-x", OUR_GROUP));
	EXPECT_EQ(0, run("mapdevctl destroy demo; mapdevctl destroy pci-x", output,
			 sizeof(output)));
}

/*
 * "dirty" whose output cannot be written. What it took out of the log is on the
 * standard error then; the rest it has left there. One answer has room for this:
 */
#define ANSWER 256
#define LOG_PAGES (4 * ANSWER)

/* Every second page is written, and each is a run. */
struct log_region {
	char output[65536];
	bool named[LOG_PAGES];
	int fd;
	u8 *map;
};

static int log_make(struct log_region *log, int runs)
{
	find_tool();
	snprintf(log->output, sizeof(log->output),
		 "mapdevctl create t %lu backing=pages dirty=1", LOG_PAGES * PAGE);
	if (run(log->output, log->output, sizeof(log->output)))
		return -1;
	log->fd = open("/dev/mapdev/t", O_RDWR | O_CLOEXEC);
	if (try_mmap(log->fd, LOG_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
		     &log->map))
		return -1;
	for (size_t i = 0; i < runs; i++)
		store_byte(log->map + 2 * i * PAGE, 1);
	return 0;
}

static int log_end(struct log_region *log)
{
	munmap(log->map, LOG_PAGES * PAGE);
	close(log->fd);
	return run("mapdevctl destroy t", log->output, sizeof(log->output));
}

/* Take the lines "OFFSET LENGTH" of what was printed; how many there are. */
static int log_take(struct log_region *log)
{
	unsigned long long offset, length;
	int runs = 0;

	for (char *line = log->output; *line; line += !!*line) {
		if (sscanf(line, "%llu %llu\n", &offset, &length) == 2) {
			runs++;
			for (u64 at = offset / PAGE; at < (offset + length) / PAGE; at++)
				log->named[at] = true;
		}
		line += strcspn(line, "\n");
	}
	return runs;
}

/* How many of the pages that were written are in no line. */
static int log_lost(const struct log_region *log, int runs)
{
	int lost = 0;

	for (size_t i = 0; i < runs; i++)
		lost += !log->named[2 * i];
	return lost;
}

/* Start it with that output; what it says goes to a file. */
#define SAID "/tmp/mapdevctl-said"

static pid_t start_dirty(int out, const char *option)
{
	pid_t pid = fork();
	int said;

	if (pid)
		return pid;
	said = open(SAID, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(said, STDERR_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	else
		close(STDOUT_FILENO);
	execlp("mapdevctl", "mapdevctl", "dirty", "t", option, NULL);
	_exit(127);
}

/* Its end; what it said is in log->output. */
static int end_of_dirty(struct log_region *log, pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	run("cat " SAID, log->output, sizeof(log->output));
	return status;
}

FIXTURE(undelivered) {
	struct log_region log;
	int out;
};

FIXTURE_VARIANT(undelivered) {
	int (*open)(void);
	const char *error;
};

static int open_full(void)
{
	return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

static int open_without_reader(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	close(ends[0]);
	return ends[1];
}

static int open_nothing(void)
{
	return -1;
}

FIXTURE_VARIANT_ADD(undelivered, full) {
	.open = open_full,
	.error = "No space left on device",
};

FIXTURE_VARIANT_ADD(undelivered, no_reader) {
	.open = open_without_reader,
	.error = "Broken pipe",
};

FIXTURE_VARIANT_ADD(undelivered, closed) {
	.open = open_nothing,
	.error = "Bad file descriptor",
};

FIXTURE_SETUP(undelivered)
{
	/* Two answers. */
	ASSERT_EQ(0, log_make(&self->log, 2 * ANSWER));
	self->out = variant->open();
}

FIXTURE_TEARDOWN(undelivered)
{
	if (self->out >= 0)
		close(self->out);
	EXPECT_EQ(0, log_end(&self->log));
}

static void loses_nothing(struct __test_metadata *_metadata, struct log_region *log,
			  int out, const char *option, const char *error)
{
	int status = end_of_dirty(log, start_dirty(out, option));

	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_NE(NULL, strstr(log->output, error)) {
		TH_LOG("%s", log->output);
	}
	EXPECT_EQ(ANSWER, log_take(log));
	EXPECT_NE(NULL, strstr(log->output, "still in the log: all from "));

	EXPECT_EQ(0, run("mapdevctl dirty t", log->output, sizeof(log->output)));
	EXPECT_EQ(ANSWER, log_take(log));
	EXPECT_EQ(0, log_lost(log, 2 * ANSWER));
	/* Nor did its text go into the region. */
	EXPECT_EQ(1, load_byte(log->map));
	EXPECT_TRUE(all_zero(log->map + 1, 2 * PAGE - 1));
}

TEST_F(undelivered, text)
{
	loses_nothing(_metadata, &self->log, self->out, NULL, variant->error);
}

TEST_F(undelivered, json)
{
	loses_nothing(_metadata, &self->log, self->out, "--json", variant->error);
}

/* Without a collected run, no loss is reported. */
TEST_F(undelivered, nothing)
{
	int status;

	EXPECT_EQ(0, run("mapdevctl dirty t", self->log.output,
			 sizeof(self->log.output)));
	status = end_of_dirty(&self->log, start_dirty(self->out, "--json"));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	EXPECT_NE(NULL, strstr(self->log.output, variant->error));
	EXPECT_EQ(NULL, strstr(self->log.output, "removed from the log"));
}

FIXTURE(dirty) {
	struct log_region log;
};

FIXTURE_SETUP(dirty)
{
	ASSERT_EQ(0, log_make(&self->log, 10));
}

FIXTURE_TEARDOWN(dirty)
{
	EXPECT_EQ(0, log_end(&self->log));
}

/* Wait until a process is inside of write(2) to its standard output. */
static void wait_in_write(pid_t pid)
{
	char path[64], line[256];
	unsigned long fd;
	long number;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	do {
		read_line(path, line, sizeof(line));
	} while (sscanf(line, "%ld %lx", &number, &fd) != 2 ||
		 number != SYS_write || fd != STDOUT_FILENO);
}

/* Wait until it has handled the signal, or is dead. */
static void wait_taken(pid_t pid, int sig)
{
	unsigned long long pending;
	char path[64], line[256], state;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	do {
		pending = 0;
		state = '\0';
		status = fopen(path, "r");
		while (status && fgets(line, sizeof(line), status)) {
			if (!strncmp(line, "State:\t", 7))
				state = line[7];
			if (!strncmp(line, "ShdPnd:\t", 8))
				pending = strtoull(line + 8, NULL, 16);
		}
		if (status)
			fclose(status);
	} while (state != 'Z' && pending & 1ULL << (sig - 1));
}

/* A signal that comes while it waits for its reader ends it after that. */
TEST_F(dirty, ended_by_signal)
{
	size_t room = PAGE, got = 0;
	char filling[room];
	int ends[2], status;
	ssize_t some;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(room, fcntl(ends[1], F_SETPIPE_SZ, room));
	memset(filling, '#', room);
	filling[room - 1] = '\n';
	ASSERT_EQ(room, write(ends[1], filling, room));
	pid = start_dirty(ends[1], NULL);
	close(ends[1]);
	wait_in_write(pid);
	EXPECT_EQ(0, kill(pid, SIGTERM));
	/* Else what is read makes room for it to write first. */
	wait_taken(pid, SIGTERM);
	while ((some = read(ends[0], self->log.output + got,
			    sizeof(self->log.output) - 1 - got)) > 0)
		got += some;
	self->log.output[got] = '\0';
	close(ends[0]);
	log_take(&self->log);
	status = end_of_dirty(&self->log, pid);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	EXPECT_EQ(0, run("mapdevctl dirty t", self->log.output,
			 sizeof(self->log.output)));
	log_take(&self->log);
	EXPECT_EQ(0, log_lost(&self->log, 10));
}

/* Several answers are one array; where there is no log, there is none. */
TEST_F(dirty, json)
{
	int runs = 0;

	for (size_t i = 0; i < LOG_PAGES; i += 2)
		store_byte(self->log.map + i * PAGE, 2);
	EXPECT_EQ(0, run("mapdevctl dirty t --json", self->log.output,
			 sizeof(self->log.output)));
	EXPECT_TRUE(json_is_whole(self->log.output));
	for (const char *c = self->log.output; (c = strstr(c, "{\"offset\":")); c++)
		runs++;
	EXPECT_EQ(2 * ANSWER, runs);
	EXPECT_EQ(NULL, strstr(self->log.output, "}{"));

	ASSERT_EQ(0, run("mapdevctl create u 1M", self->log.output,
			 sizeof(self->log.output)));
	EXPECT_EQ(1, run("mapdevctl dirty u --json", self->log.output,
			 sizeof(self->log.output)));
	EXPECT_EQ(NULL, strchr(self->log.output, '['));
	EXPECT_EQ(0, run("mapdevctl destroy u", self->log.output,
			 sizeof(self->log.output)));
}

TEST_HARNESS_MAIN
