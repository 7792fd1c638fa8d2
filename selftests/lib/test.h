/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The harness, for the one source file of a program that has the cases, and for
 * headers with assertions: it defines symbols, so that no other file may include it.
 */
#ifndef _MAPDEV_SELFTESTS_TEST_H
#define _MAPDEV_SELFTESTS_TEST_H

#include "kselftest_harness.h"
#include "region.h"

/* The limit is for hangs only: an emulated machine on a busy host is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/* The variants of a fixture: every backing with every way to map it. */
#define FIXTURE_EACH_BACKING(_fixture)					\
	FIXTURE_VARIANT(_fixture) {					\
		const char *attrs;					\
		enum mapdev_backing_type type;				\
		bool eager;						\
	};								\
	FOR_EACH_BACKING(BACKING_VARIANT, _fixture)

/* One more variant of such a fixture. */
#define BACKING_VARIANT(_name, _attrs, _type, _eager, _fixture)		\
	FIXTURE_VARIANT_ADD(_fixture, _name)				\
	{ .attrs = _attrs, .type = _type, .eager = _eager };

/*
 * A fixture with the data, setup and teardown of another, for the cases that only some
 * of its variants can run. A case that returns early has passed without a proof.
 */
#define FIXTURE_LIKE(_fixture, _like)					\
	FIXTURE(_fixture) { FIXTURE_DATA(_like); };			\
	FIXTURE_VARIANT(_fixture) { FIXTURE_VARIANT(_like); };		\
	FIXTURE_SETUP(_fixture)						\
	{								\
		_like##_setup(_metadata, (FIXTURE_DATA(_like) *)self,	\
			      (const FIXTURE_VARIANT(_like) *)variant);	\
	}								\
	FIXTURE_TEARDOWN(_fixture)					\
	{								\
		_like##_teardown(_metadata, (FIXTURE_DATA(_like) *)self, \
				 (const FIXTURE_VARIANT(_like) *)variant); \
	}

#endif /* _MAPDEV_SELFTESTS_TEST_H */
