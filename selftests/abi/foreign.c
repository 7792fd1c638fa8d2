// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that others wrote, as they are, on the node of each kind of region:
 * pfnmap and gup_test of the kernel's selftests, memtester, fio. Where one does
 * not fit, the way in which it says so is a part of the test.
 */
#include "command.h"
#include "test.h"

#define MANY	65536	/* characters of a program's output */

FIXTURE(foreign) {
	struct region r;
	char *said;
};

FIXTURE_EACH_BACKING(foreign)
BACKING_VARIANT(paged_dirty, "backing=paged dirty=1",
		MAPDEV_PAGED, false, foreign)
BACKING_VARIANT(pages_dirty, "backing=pages dirty=1",
		MAPDEV_PAGES, false, foreign)

FIXTURE_SETUP(foreign)
{
	char attrs[128];

	find_tool();
	snprintf(attrs, sizeof(attrs), "size=2M %s", variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->said = malloc(MANY);
	ASSERT_NE(NULL, self->said);
}

FIXTURE_TEARDOWN(foreign)
{
	free(self->said);
	EXPECT_EQ(0, region_stat(&self->r, "sigbus"));
	EXPECT_EQ(0, region_destroy(&self->r));
}

static void log_output(struct __test_metadata *_metadata, char *said)
{
	char *line;

	while ((line = strsep(&said, "\n"))) {
		/*
		 * Indented: a line that begins with "ok" would be a result of this
		 * program.
		 */
		if (*line)
			TH_LOG("| %.200s", line);
	}
}

/*
 * Page frames without struct pages are what it is for. Of others it says that
 * they are not, and skips itself.
 */
TEST_F(foreign, pfnmap)
{
	bool frames = maps_frames(variant->type, variant->attrs);
	char command[160];
	int status;

	snprintf(command, sizeof(command), "pfnmap -- %s", self->r.node);
	status = run(command, self->said, MANY);
	EXPECT_EQ(frames ? 0 : KSFT_SKIP, status);
	EXPECT_NE(NULL, strstr(self->said, frames ? "PASSED: 6 / 6" :
						    "Not pfnmap'ed"));
	if (!__test_passed(_metadata))
		log_output(_metadata, self->said);
}

/*
 * It passes, whatever it gets, but says when that was not all. Page frames
 * cannot be had at all, and what has a dirty log not for a long time.
 */
static void get_pages(struct __test_metadata *_metadata, const char *node,
		      const char *mode, bool refused, char *said)
{
	char command[192];

	snprintf(command, sizeof(command), "gup_test -m 2 -n 512 -S %s -f %s",
		 mode, node);
	EXPECT_EQ(0, run(command, said, MANY));
	EXPECT_NE(NULL, strstr(said, "ok 1 ioctl status 0"));
	EXPECT_EQ(refused, !!strstr(said, "runcated (size: 0)"));
	EXPECT_EQ(refused, !!strstr(said, "runcated"));
	if (!__test_passed(_metadata))
		log_output(_metadata, said);
}

TEST_F(foreign, gup_test)
{
	const char * const modes[] = { "-u", "-U", "-a", "-b", "-L" };
	bool frames = maps_frames(variant->type, variant->attrs);
	bool dirty = strstr(variant->attrs, "dirty=1");

	if (access("/sys/kernel/debug/gup_test", F_OK))
		SKIP(return, "the kernel has no gup_test");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		bool longterm = !strcmp(modes[i], "-L");

		get_pages(_metadata, self->r.node, modes[i],
			  frames || (dirty && longterm), self->said);
	}
}

/* By its option for physical memory, which begins at offset 0 of a region. */
TEST_F_TIMEOUT(foreign, memtester, 120)
{
	char command[160];

	snprintf(command, sizeof(command), "memtester -p 0 -d %s 64K 1",
		 self->r.node);
	EXPECT_EQ(0, run(command, self->said, MANY));
	EXPECT_NE(NULL, strstr(self->said, "Done."));
	if (!__test_passed(_metadata))
		log_output(_metadata, self->said);
}

/* Random blocks; each is read back and verified. */
TEST_F_TIMEOUT(foreign, fio, 120)
{
	static const char job[] = "--name=mapdev --thread --eta=never";
	static const char how[] = "--ioengine=mmap --rw=randwrite --bs=4k";
	static const char test[] =
		"--verify=crc32c --verify_fatal=1 --verify_state_save=0";
	int blocks = at_length() ? 512 : 64;
	char command[320], issued[64];

	snprintf(command, sizeof(command),
		 "cd /tmp && fio %s %s %s --size=%dk --filename=%s",
		 job, how, test, 4 * blocks, self->r.node);
	EXPECT_EQ(0, run(command, self->said, MANY));
	EXPECT_NE(NULL, strstr(self->said, "err= 0"));
	/* The number of reads shows that blocks were verified. */
	snprintf(issued, sizeof(issued), "issued rwts: total=%d,%d,0,0", blocks,
		 blocks);
	EXPECT_NE(NULL, strstr(self->said, issued));
	if (!__test_passed(_metadata))
		log_output(_metadata, self->said);
}

TEST_HARNESS_MAIN
