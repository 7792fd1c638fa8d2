// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading: the regions= parameter with everything that can be
 * wrong in it, and who keeps the module. Leaves it loaded without regions.
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "early.h"
#include "module.h"
#include "test.h"

static int load(const char *params)
{
	return module_load("mapdev", params);
}

static int unload(void)
{
	return module_unload("mapdev");
}

FIXTURE(load) {
	int unused;
};

FIXTURE_SETUP(load)
{
	ASSERT_EQ(0, unload());
}

FIXTURE_TEARDOWN(load)
{
	/* As scripts/test/guest has it. */
	EXPECT_EQ(0, load("allow_phys=1"));
}

TEST_F(load, regions_are_created)
{
	/* The largest pages; without huge pages there are no larger granules. */
	char *granule = no_huge_pages() ? "4096" : "65536";
	struct {
		const char *name, *size, *granule, *ro;
		int mode;
	} want[] = {
		{ "a", "65536", NULL, "0", 0600 },
		{ "b-2", "1048576", NULL, "0", 0600 },
		{ "c.3", "4194304", granule, "1", 0644 },
	};
	char path[96], line[64], params[128];
	struct stat st;

	snprintf(params, sizeof(params),
		 "regions=a:64K,b-2:1M:paged,c.3:4M:paged:granule=%s:ro=1:mode=0644",
		 granule);
	ASSERT_EQ(0, load(params));
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), CLASS "/%s/size", want[i].name);
		EXPECT_STREQ(want[i].size, read_line(path, line, sizeof(line)));
		snprintf(path, sizeof(path), CLASS "/%s/ro", want[i].name);
		EXPECT_STREQ(want[i].ro, read_line(path, line, sizeof(line)));
		if (want[i].granule) {
			snprintf(path, sizeof(path), CLASS "/%s/granule",
				 want[i].name);
			EXPECT_STREQ(want[i].granule,
				     read_line(path, line, sizeof(line)));
		}
		snprintf(path, sizeof(path), "/dev/mapdev/%s", want[i].name);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(want[i].mode, (int)st.st_mode & 0777);
	}
	EXPECT_EQ(0, unload());
	EXPECT_NE(0, access("/dev/mapdev/a", F_OK));
	EXPECT_NE(0, access("/sys/kernel/debug/mapdev", F_OK));
}

/* The last kernel log line that begins with "mapdev: " after a mark. */
static void log_since(const char *mark, char *found, size_t size)
{
	char record[2048];
	bool after = false;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	found[0] = '\0';
	while (true) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		char *text;

		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text)
			continue;
		if (strstr(text, mark))
			after = true;
		else if (after && !strncmp(text + 1, "mapdev: ", 8))
			snprintf(found, size, "%s", text + 1);
	}
	close(fd);
}

#define NAME_63 "123456789-123456789-123456789-123456789-123456789-123456789-123"

/* All or nothing: an errno, and one log line that names the bad part. */
TEST_F(load, bad_regions_are_refused)
{
	const struct {
		const char *params;
		int err;
		const char *line;
	} cases[] = {
		{ "regions=a", EINVAL, "\"a\"" },
		{ "regions=", EINVAL, "size" },
		{ "regions=a:", EINVAL, "size" },
		{ "regions=a:0", EINVAL, "size" },
		{ "regions=a:4097", EINVAL, "4097" },
		{ "regions=a:1M:nothing", EINVAL, "nothing" },
		{ "regions=a:1M:paged:colour=red", EINVAL, "colour" },
		{ "regions=a:1M:paged:granule=5K", EINVAL, "5K" },
		{ "regions=a:1M:paged:granule", EINVAL, "granule" },
		{ "regions=a:1M:paged:ro=maybe", EINVAL, "maybe" },
		{ "regions=a:4194304G", ENOSPC, "max_bytes" },
		{ "regions=a:2M max_bytes=1048576", ENOSPC, "max_bytes" },
		{ "regions=a:1M,b:1M max_bytes=1048576", ENOSPC, "b: " },
		{ "regions=a:99999999999G", EINVAL, "size" },
		{ "regions=" NAME_63 "4:1M", ENAMETOOLONG, "name" },
		{ "regions=a/b:1M", EINVAL, "a/b" },
		{ "regions=.a:1M", EINVAL, ".a" },
		{ "regions=:1M", EINVAL, "name" },
		{ "regions=a:1M,a:1M", EBUSY, "a:" },
		{ "regions=a:1M,b:1M,c:0", EINVAL, "c:" },
		{ "regions=a:0,b:1M", EINVAL, "a:" },
		{ "regions=a:1M,", EINVAL, "size" },
		{ "regions=a:1M:window", EINVAL, "phys" },
		{ "regions=a:1M:granule=2M", EINVAL, "BACKING comes before \"granule=2M\"" },
	};
	char mark[64], line[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(mark, sizeof(mark), "load-test-%d-%zu", getpid(), i);
		ASSERT_EQ(0, write_file("/dev/kmsg", mark));
		EXPECT_EQ(cases[i].err, load(cases[i].params)) {
			TH_LOG("%s", cases[i].params);
		}
		log_since(mark, line, sizeof(line));
		EXPECT_NE(NULL, strstr(line, cases[i].line)) {
			TH_LOG("%s: log says \"%s\"", cases[i].params, line);
		}
		EXPECT_NE(0, access("/sys/class/mapdev", F_OK));
		EXPECT_NE(0, access("/dev/mapdev/a", F_OK));
	}
}

/* regions= cannot forge a line of the log, either. */
TEST_F(load, log_is_escaped)
{
	static const char * const cases[] = {
		"regions=\"a\nforged\"",
		"regions=\"a\nforged:0\"",
		"regions=\"a\nforged:1X\"",
		"regions=\"a\nforged:1M:nothing\"",
		"regions=\"a\nforged:1M:paged:ro\"",
		"regions=\"a\nforged:1M:paged:ro=2\"",
		"regions=\"a:1\nforged\"",
		"regions=\"a:1M:x\nforged\"",
		"regions=\"a:1M:paged:ro\nforged\"",
		"regions=\"a:1M:paged:ro\nforged=1\"",
		"regions=\"a:1M:paged:ro=1\nforged\"",
	};
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char record[4096];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = false, forged = false;
		ssize_t n;

		lseek(fd, 0, SEEK_END);
		EXPECT_EQ(EINVAL, load(cases[i]));
		while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
		       (n < 0 && errno == EPIPE)) {
			record[n > 0 ? n : 0] = '\0';
			/* How the file shows a backslash, and a newline of the text. */
			found |= !!strstr(record, "\\x5cnforged");
			forged |= !!strstr(record, "\\x0aforged");
		}
		EXPECT_TRUE(found && !forged) {
			TH_LOG("%s", cases[i]);
		}
	}
	close(fd);
}

/* A size is digits and a unit. */
TEST_F(load, no_newline_in_a_value)
{
	EXPECT_EQ(EINVAL, load("regions=\"a:128\nK\""));
	EXPECT_EQ(EINVAL, load("regions=\"a:131072\n\""));
	EXPECT_EQ(EINVAL, load("regions=\"a:128K:paged:mode=0644\n\""));
}

/* A load that fails: the node of a exists while b allocates. */
TEST_F(load, failed_load_gives_no_access)
{
	struct early early = {
		.node = "/dev/mapdev/a",
		.file = "/sys/kernel/debug/mapdev/a",
		.directory = CONFIGFS "/early",
	};

	ASSERT_EQ(0, early_begin(&early));
	while (!early_has_seen(&early))
		ASSERT_EQ(EINVAL, load("regions=a:1M:pages,b:32M:pages,c:1M:nosuch"));
	early_end(&early);
	EXPECT_EQ(0, early.got_in);
}

/* Wait for the uevent of a device; false if no more comes. */
static bool wait_announced(int events, const char *device)
{
	struct timeval patience = { .tv_sec = 30 };
	char event[4096];
	ssize_t len;

	setsockopt(events, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((len = recv(events, event, sizeof(event) - 1, 0)) > 0) {
		event[len] = '\0';
		if (!strncmp(event, "add@", 4) && strstr(event, device))
			return true;
	}
	return false;
}

/* Open a region as soon as its uevent arrives; the errno. */
static void *open_announced(void *arg)
{
	int *events = arg;
	int fd;

	if (!wait_announced(*events, "/mapdev/a"))
		return (void *)(long)ETIME;
	fd = open("/dev/mapdev/a", O_RDWR);
	if (fd < 0)
		return (void *)(long)errno;
	close(fd);
	return NULL;
}

/* The uevent comes after open works, even if the load is not over. */
TEST_F(load, uevent_follows_open)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	pthread_t thread;
	void *err;
	int events;

	events = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT);
	ASSERT_LE(0, events);
	ASSERT_EQ(0, bind(events, (struct sockaddr *)&kernel, sizeof(kernel)));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_announced, &events));
	ASSERT_EQ(0, load("regions=a:1M:pages,b:32M:pages"));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(NULL, err);
	close(events);
	EXPECT_EQ(0, unload());
}

/* An open file keeps the module, and so does a mapping after close. */
/* ids: PA-21 */
TEST_F(load, unload_fails_while_in_use)
{
	u8 *map;
	int fd;

	ASSERT_EQ(0, load("regions=a:1M"));
	fd = open("/dev/mapdev/a", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EAGAIN, unload());
	map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	EXPECT_EQ(EAGAIN, unload());
	map[0] = 1;
	munmap(map, 1 << 20);
	EXPECT_EQ(0, unload());
}

/* Unload does not wait for another module's reference to the device of a region. */
TEST_F(load, unload_ignores_held_device)
{
	ASSERT_EQ(0, load(""));
	ASSERT_EQ(0, module_load_helper("holder"));
	EXPECT_EQ(0, access(CLASS "/held", F_OK));
	EXPECT_EQ(0, unload());
	/* Last reference, with mapdev already unloaded. */
	EXPECT_EQ(0, module_unload("holder"));
}

TEST_F_TIMEOUT(load, load_and_unload_repeatedly, 300)
{
	int times = at_length() ? 100 : 15;
	u8 byte = 1;
	int fd;

	for (int i = 0; i < times; i++) {
		ASSERT_EQ(0, load("regions=a:4M,b:64K:paged"));
		fd = open("/dev/mapdev/a", O_RDWR);
		ASSERT_LE(0, fd);
		ASSERT_EQ(1, pwrite(fd, &byte, 1, i << 12));
		close(fd);
		ASSERT_EQ(0, unload());
	}
}

TEST_HARNESS_MAIN
