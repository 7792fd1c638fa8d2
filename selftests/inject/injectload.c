// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations fail while the module is loaded, with and without regions=: nothing is
 * left behind.
 */
#include "inject.h"
#include "module.h"

struct loader {
	int module;
	int attempts;
};

FIXTURE(loading) {
	struct loader l;
};

FIXTURE_SETUP(loading)
{
	self->l.module = open(getenv("MAPDEV_KO"), O_RDONLY);
	ASSERT_LE(0, self->l.module);
	ASSERT_EQ(0, module_unload("mapdev"));
}

FIXTURE_TEARDOWN(loading)
{
	close(self->l.module);
	EXPECT_EQ(0, module_load("mapdev", "allow_phys=1"));
}

static int load(struct loader *self, const char *params)
{
	return syscall(SYS_finit_module, self->module, params, 0) ? errno : 0;
}

/* Count the allocations of a load that fails for another reason. */
static unsigned int count_allocations(struct __test_metadata *_metadata,
				      struct loader *self,
				      const char *params)
{
	const unsigned int many = 1000000;
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	unsigned int left;
	int err;

	ASSERT_LE(0, fd);
	arm(fd, many);
	err = load(self, params);
	left = disarm(fd);
	close(fd);
	EXPECT_EQ(EINVAL, err);
	return many - left;
}

static int load_empty(void *ctx)
{
	return load(ctx, "");
}

static int load_with_region(void *ctx)
{
	return load(ctx, "regions=a:1M");
}

/* The rest is the same as for live=1. */
static bool has_begun_region(void *ctx)
{
	struct loader *self = ctx;

	return ++self->attempts == 30;
}

static void unload(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_EQ(0, module_unload("mapdev"));
	EXPECT_NE(0, access("/dev/mapdev/a", F_OK));
}

static void expect_not_loaded(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_NE(0, access("/sys/module/mapdev", F_OK));
	EXPECT_NE(0, access("/dev/mapdev/a", F_OK));
	EXPECT_NE(0, access(CLASS, F_OK));
	EXPECT_NE(0, access(CONFIGFS, F_OK));
	EXPECT_NE(0, access(DEBUGFS "/mapdev", F_OK));
}

/*
 * Skip the allocations that the kernel makes for any module: begin shortly before the
 * point at which a bad region fails the load.
 */
TEST_F_TIMEOUT(loading, regions, 300)
{
	struct operation empty = {
		.name = "load", .run = load_empty, .undo = unload,
		.as_before = expect_not_loaded,
	};
	struct operation region = {
		.name = "load with regions=", .run = load_with_region,
		.undo = unload, .as_before = expect_not_loaded,
		.enough = has_begun_region,
	};
	unsigned int init;

	/* The first load allocates more: it reads the file. */
	count_allocations(_metadata, &self->l, "regions=a:0");
	init = count_allocations(_metadata, &self->l, "regions=a:0");
	empty.first = init - 80;
	EXPECT_LE(10, inject(_metadata, &empty, &self->l).failures);
	region.first = init - 10;
	EXPECT_LE(5, inject(_metadata, &region, &self->l).failures);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
