// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations fail while a region is created, changed or removed: nothing of it is
 * left, and one line in the log says why. Removal needs no memory.
 */

#include "inject.h"
#include "module.h"

#define SIZE (2UL << 20)
#define SIZE_TEXT "2097152"

struct maker {
	char directory[96];
	struct region r;
	int live;	/* its attribute, open */
	int attribute;
	int log;
	char why[256];	/* the last line of the log on it */
	size_t regions;
};

FIXTURE(making) {
	struct maker m;
};

FIXTURE_VARIANT(making) {
	const char *attrs;
	enum mapdev_backing_type type;
};

#define MAKING(_name, _attrs, _type)					\
	FIXTURE_VARIANT_ADD(making, _name)				\
	{ .attrs = _attrs, .type = _type };
/* An eager region is created as any other. */
MAKING(paged, "backing=paged", MAPDEV_PAGED)
MAKING(paged_dirty, "backing=paged dirty=1", MAPDEV_PAGED)
MAKING(pages, "backing=pages", MAPDEV_PAGES)
MAKING(pages_dirty, "backing=pages dirty=1", MAPDEV_PAGES)
MAKING(vmalloc, "backing=vmalloc", MAPDEV_VMALLOC)
MAKING(contig, "backing=contig", MAPDEV_CONTIG)
MAKING(contig_pin, "backing=contig pin=1", MAPDEV_CONTIG)
MAKING(window, "backing=window cache=wb", MAPDEV_WINDOW)

static int make_directory(void *ctx)
{
	struct maker *self = ctx;

	return mkdir(self->directory, 0755) ? errno : 0;
}

static void set_attributes(struct maker *self, const char *attrs)
{
	char list[128], *rest = list, *item;

	region_set(&self->r, "size", SIZE_TEXT);
	snprintf(list, sizeof(list), "%s", attrs);
	while ((item = strsep(&rest, " "))) {
		char *key = strsep(&item, "=");

		region_set(&self->r, key, item);
	}
	if (strstr(attrs, "window")) {
		snprintf(list, sizeof(list), "%#llx", WINDOW_PHYS);
		region_set(&self->r, "phys", list);
	}
}

/*
 * max_bytes has room for one region: bytes that a failure leaves accounted would make
 * the next attempt fail.
 */
FIXTURE_SETUP(making)
{
	char path[128];

	ASSERT_EQ(0, module_unload("mapdev"));
	ASSERT_EQ(0, module_load("mapdev", "allow_phys=1 max_bytes=" SIZE_TEXT));
	snprintf(self->m.r.name, sizeof(self->m.r.name), "inject-%d", getpid());
	snprintf(self->m.r.node, sizeof(self->m.r.node), "/dev/mapdev/%s",
		 self->m.r.name);
	snprintf(self->m.directory, sizeof(self->m.directory), CONFIGFS "/%s",
		 self->m.r.name);
	ASSERT_EQ(0, make_directory(&self->m));
	set_attributes(&self->m, variant->attrs);
	snprintf(path, sizeof(path), "%s/live", self->m.directory);
	self->m.live = open(path, O_RDWR);
	ASSERT_LE(0, self->m.live);
	/* Have the file allocate its buffer now. */
	ASSERT_EQ(-1, pwrite(self->m.live, "0", 1, 0));
	ASSERT_EQ(EALREADY, errno);
	self->m.log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, self->m.log);
	self->m.regions = count_entries(CLASS);
}

FIXTURE_TEARDOWN(making)
{
	close(self->m.live);
	close(self->m.log);
	rmdir(self->m.directory);
	EXPECT_EQ(0, module_unload("mapdev"));
	EXPECT_EQ(0, module_load("mapdev", "allow_phys=1"));
}

/* Read new records; keep the last line on the region. */
static void read_log(struct maker *self)
{
	char record[2048], want[96];
	const char *line;
	ssize_t len;

	self->why[0] = '\0';
	snprintf(want, sizeof(want), ";mapdev: %s: ", self->r.name);
	while ((len = read(self->log, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		record[len > 0 ? len : 0] = '\0';
		line = strstr(record, want);
		if (line)
			snprintf(self->why, sizeof(self->why), "%.200s",
				 line + strlen(want));
	}
}

static void forget_log(void *ctx)
{
	read_log(ctx);
}

static int go_live(void *ctx)
{
	struct maker *self = ctx;

	return pwrite(self->live, "1", 1, 0) < 0 ? errno : 0;
}

static int retire(void *ctx)
{
	struct maker *self = ctx;

	return pwrite(self->live, "0", 1, 0) < 0 ? errno : 0;
}

static bool is_there(struct maker *self, const char *where)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", where, self->r.name);
	return !access(path, F_OK);
}

static void expect_nothing(struct __test_metadata *_metadata, void *ctx)
{
	struct maker *self = ctx;
	char live[8] = "";

	EXPECT_EQ(2, pread(self->live, live, sizeof(live) - 1, 0));
	EXPECT_STREQ("0\n", live);
	EXPECT_EQ(self->regions, count_entries(CLASS));
	EXPECT_FALSE(is_there(self, CLASS));
	EXPECT_FALSE(is_there(self, "/dev/mapdev"));
	EXPECT_FALSE(is_there(self, DEBUGFS "/mapdev"));
}

static void expect_nothing_and_why(struct __test_metadata *_metadata, void *ctx)
{
	struct maker *self = ctx;

	expect_nothing(_metadata, ctx);
	read_log(self);
	EXPECT_STRNE("", self->why);
}

/* If creation succeeds, a debugfs file or a uevent may still be missing. */
static void expect_region(struct __test_metadata *_metadata, void *ctx)
{
	struct maker *self = ctx;
	u8 byte = 1;
	int fd;

	EXPECT_TRUE(is_there(self, CLASS));
	fd = open(self->r.node, O_RDWR);
	EXPECT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &byte, 1, SIZE - 1));
	close(fd);
}

static void expect_region_and_retire(struct __test_metadata *_metadata,
				     void *ctx)
{
	expect_region(_metadata, ctx);
	EXPECT_EQ(0, retire(ctx));
	expect_nothing(_metadata, ctx);
}

/* After the allocation of memory, all backings do the same. */
static bool has_memory(void *ctx)
{
	struct maker *self = ctx;

	return strstr(self->why, "no device");
}

TEST_F_TIMEOUT(making, live, 300)
{
	struct operation op = {
		.name = "live=1",
		.prepare = forget_log,
		.run = go_live,
		.undo = expect_region_and_retire,
		.as_before = expect_nothing_and_why,
		.enough = !strcmp(variant->attrs, "backing=paged") ? NULL :
			  has_memory,
		/* The resource code has one errno for all failures. */
		.too = variant->type == MAPDEV_WINDOW ? EBUSY : ENOMEM,
	};
	struct injected sum = inject(_metadata, &op, &self->m);

	EXPECT_LE(3, sum.failures);
	go_live(&self->m);
	expect_region_and_retire(_metadata, &self->m);
}

static void make_live(void *ctx)
{
	go_live(ctx);
}

/* Removal cannot fail, and leaves nothing. */
TEST_F_TIMEOUT(making, retire, 300)
{
	struct operation op = {
		.name = "live=0",
		.prepare = make_live,
		.run = retire,
		.undo = expect_nothing,
	};
	struct injected sum = inject(_metadata, &op, &self->m);

	EXPECT_EQ(0, sum.failures);
}

/* --- size, in configfs and of a live region --- */

static void open_attribute(struct maker *self, const char *where,
			   const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s/%s", where, self->r.name, value);
	self->attribute = open(path, O_RDWR);
	/* Have the file allocate its buffer now. */
	pwrite(self->attribute, "x", 1, 0);
	read_log(self);
}

static int set_half(void *ctx)
{
	struct maker *self = ctx;

	return pwrite(self->attribute, "1048576", 7, 0) < 0 ? errno : 0;
}

static int set_whole(void *ctx)
{
	struct maker *self = ctx;

	return pwrite(self->attribute, SIZE_TEXT, 7, 0) < 0 ? errno : 0;
}

static void expect_size(struct __test_metadata *_metadata,
			struct maker *self, const char *want)
{
	char path[192], line[32];

	snprintf(path, sizeof(path), "%s/size", self->directory);
	EXPECT_STREQ(want, read_line(path, line, sizeof(line)));
}

static void expect_half(struct __test_metadata *_metadata, void *ctx)
{
	struct maker *self = ctx;

	expect_size(_metadata, self, "1048576");
	read_log(self);
	EXPECT_STRNE("", self->why);
}

static void expect_whole(struct __test_metadata *_metadata, void *ctx)
{
	struct maker *self = ctx;

	expect_size(_metadata, self, SIZE_TEXT);
	EXPECT_EQ(0, set_half(ctx));
}

/* Before the region is live, and, on paged, while it is. */
TEST_F(making, size)
{
	struct operation op = {
		.name = "size", .run = set_whole, .undo = expect_whole,
		.as_before = expect_half,
	};

	open_attribute(&self->m, CONFIGFS, "size");
	EXPECT_EQ(0, set_half(&self->m));
	EXPECT_LE(1, inject(_metadata, &op, &self->m).failures);
	if (variant->type == MAPDEV_PAGED) {
		EXPECT_EQ(0, go_live(&self->m));
		EXPECT_LE(1, inject(_metadata, &op, &self->m).failures);
		EXPECT_EQ(0, retire(&self->m));
	}
	close(self->m.attribute);
}

/* --- a directory whose name needs an allocation of its own --- */

#define LONG_NAME CONFIGFS "/a-name-of-more-than-20-characters"

static int make_long(void *ctx)
{
	return mkdir(LONG_NAME, 0755) ? errno : 0;
}

/* The directory exists: live=1 is refused since there is no size. */
static void expect_named_and_remove(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_EQ(-EINVAL, write_file(LONG_NAME "/live", "1"));
	EXPECT_EQ(0, rmdir(LONG_NAME));
}

static void expect_no_directory(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_NE(0, access(LONG_NAME, F_OK));
}

TEST(mkdir_long_name)
{
	struct operation op = {
		.name = "mkdir", .run = make_long,
		.undo = expect_named_and_remove,
		.as_before = expect_no_directory,
	};

	EXPECT_LE(2, inject(_metadata, &op, NULL).failures);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
