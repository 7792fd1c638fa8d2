/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The harness, for the one source file of a program that has the cases, and for
 * headers with assertions: it defines symbols, so that no other file may include it.
 */
#ifndef _MAPDEV_SELFTESTS_TEST_H
#define _MAPDEV_SELFTESTS_TEST_H

#include "kselftest_harness.h"
#include "region.h"

/* A limit is for what hangs; an emulated machine that is not alone is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#endif /* _MAPDEV_SELFTESTS_TEST_H */
