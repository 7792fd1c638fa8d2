// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out while the module is loaded: nothing of it stays, whether it
 * was to make a region or not.
 */
#include "early.h"
#include "inject.h"
#include "module.h"
#include "sample.h"

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

/* How many allocations this is, whose errno is known. */
static unsigned int count_allocations(struct __test_metadata *_metadata,
				      int (*run)(void *ctx), void *ctx,
				      int want)
{
	const unsigned int many = 1000000;
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	unsigned int left;
	int err;

	ASSERT_LE(0, fd);
	arm(fd, many);
	err = run(ctx);
	left = disarm(fd);
	close(fd);
	EXPECT_EQ(want, err);
	return many - left;
}

static int load_empty(void *ctx)
{
	return load(ctx, "");
}

/* It fails for another reason. */
static int load_wrong(void *ctx)
{
	return load(ctx, "regions=a:0");
}

static int load_with_region(void *ctx)
{
	return load(ctx, "regions=a:1M");
}

/* The rest is what live=1 does. */
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
 * What the kernel does for every module is not looked at: it begins some steps
 * before a region that is wrong ends a load.
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
	unsigned int init = count_allocations(_metadata, load_wrong, &self->l,
					      EINVAL);

	empty.first = init - 80;
	EXPECT_LE(10, inject(_metadata, &empty, &self->l).failures);
	region.first = init - 10;
	EXPECT_LE(5, inject(_metadata, &region, &self->l).failures);
}

/* Of an open file: a failure in open or close confuses 9p. */
static int load_forms(void *ctx)
{
	const int *forms = ctx;

	return syscall(SYS_finit_module, *forms, "", 0) ? errno : 0;
}

static void unload_forms(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_EQ(0, unload_sample("mmap_forms"));
}

static void expect_no_forms(struct __test_metadata *_metadata, void *ctx)
{
	EXPECT_NE(0, access("/sys/module/mmap_forms", F_OK));
	EXPECT_NE(0, access("/sys/class/mmap_forms", F_OK));
	EXPECT_NE(0, access("/dev/form-old_remap", F_OK));
	EXPECT_NE(0, access("/dev/form-new_wrapper", F_OK));
}

/*
 * The sample with many nodes, when one of the last allocations fails. Nobody has
 * a node of it open then.
 */
TEST_F_TIMEOUT(loading, forms, 300)
{
	struct early early = { .node = "/dev/form-old_remap" };
	struct operation forms = {
		.name = "load of mmap_forms", .run = load_forms,
		.undo = unload_forms, .as_before = expect_no_forms,
	};
	unsigned int last;
	char path[256];
	int file, fd;

	snprintf(path, sizeof(path), "%s/mmap_forms.ko", getenv("MAPDEV_SAMPLES"));
	file = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	last = count_allocations(_metadata, load_forms, &file, 0);
	unload_forms(_metadata, NULL);
	forms.first = last - 150;
	EXPECT_LE(20, inject(_metadata, &forms, &file).failures);

	/* The last one without which it does not load. */
	fd = open("/proc/thread-self/fail-nth", O_RDWR);
	ASSERT_LE(0, fd);
	while (arm(fd, last), !load_forms(&file)) {
		disarm(fd);
		unload_forms(_metadata, NULL);
		last--;
	}
	ASSERT_EQ(0, early_begin(&early));
	while (!early_has_seen(&early)) {
		arm(fd, last);
		ASSERT_EQ(ENOMEM, load_forms(&file));
	}
	early_end(&early);
	disarm(fd);
	close(fd);
	close(file);
	EXPECT_EQ(0, early.got_in);
}

int main(int argc, char **argv)
{
	return inject_main(argc, argv);
}
