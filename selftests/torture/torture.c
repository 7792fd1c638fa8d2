// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations against a model, see torture.h. Each case runs some lists of
 * operations, one for each seed.
 *
 *   TORTURE_SEED=N	the first seed (1)
 *   TORTURE_ROUNDS=N	number of lists (5, or 1 with STRESS=short and on a debug kernel)
 *
 * A list that fails is shortened and printed, with its seed.
 */
#include <time.h>

#include "dirty/dirty.h"
#include "test.h"
#include "torture.h"

#define AT_LEAST 1000

FIXTURE(torture) {
	u32 seed;
	u32 rounds;
	u32 operations;
	u32 look;
	bool all;
};

FIXTURE_VARIANT(torture) {
	const char *attrs;
	enum mapdev_backing_type type;
};

#define VARIANT(_name, _attrs, _type, ...)				\
	FIXTURE_VARIANT_ADD(torture, _name)				\
	{ .attrs = _attrs, .type = _type };
FOR_EACH_BACKING(VARIANT)

#define LOGGED(_name, _attrs, _type)					\
	FIXTURE_VARIANT_ADD(torture, dirty_##_name)			\
	{ .attrs = _attrs " dirty=1", .type = _type };
FOR_EACH_LOGGED(LOGGED)

static u32 number(const char *variable, u32 otherwise)
{
	const char *value = getenv(variable);

	return value ? strtoul(value, NULL, 0) : otherwise;
}

FIXTURE_SETUP(torture)
{
	self->seed = number("TORTURE_SEED", 1);
	self->rounds = number("TORTURE_ROUNDS", at_length() ? 5 : 1);
	self->operations = at_length() ? 250 : 100;
	self->look = at_length() ? 25 : 50;
	/* A full run executes at least AT_LEAST operations of each variant. */
	self->all = at_length() && !getenv("TORTURE_ROUNDS");
}

FIXTURE_TEARDOWN(torture)
{
}

TEST_F_TIMEOUT(torture, operations, 3600)
{
	struct model *m = model_new(variant->attrs, variant->type);
	time_t begun = time(NULL);
	bool good = true;

	ASSERT_NE(NULL, m);
	m->look = self->look;
	for (u32 i = 0; i < self->rounds && good; i++)
		good = run_seed(m, self->seed + i, self->operations);
	EXPECT_TRUE(good) {
		TH_LOG("%s", m->why);
	}
	printf("# torture: %s: seeds %u to %u, %lu operations, %ld s\n",
	       variant->attrs, self->seed, self->seed + self->rounds - 1,
	       m->done, (long)(time(NULL) - begun));
	if (self->all)
		EXPECT_LE(AT_LEAST, m->done);
	model_free(m);
}

/* The same kinds of operations in parallel: see race/race.c. */
TEST_F_TIMEOUT(torture, race, 3600)
{
	time_t begun = time(NULL);
	unsigned long done = 0;
	char why[256];

	EXPECT_EQ(0, race(variant->attrs, self->seed, (self->rounds + 1) / 2,
			  &done, why, sizeof(why))) {
		TH_LOG("seed %u: %s", self->seed, why);
	}
	printf("# torture: %s: seed %u, %lu operations at once, %ld s\n",
	       variant->attrs, self->seed, done, (long)(time(NULL) - begun));
	EXPECT_LT(0, done);
}

TEST_HARNESS_MAIN
