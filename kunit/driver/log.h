/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A region with a dirty log, of each kind that can have one, and what was
 * collected from it.
 */
#ifndef _MAPDEV_KUNIT_LOG_H
#define _MAPDEV_KUNIT_LOG_H

#include <kunit/test.h>

#include "mapdev.h"

#define LOG_PAGES	160
#define LOG_SIZE	(LOG_PAGES * PAGE_SIZE)
#define LOG_CASES	5

struct log_case {
	const char *name;
	const char *attrs;
};

/* For KUNIT_ARRAY_PARAM(). */
extern const struct log_case log_cases[LOG_CASES];
void log_case_name(const struct log_case *c, char *desc);

struct log_fixture {
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
	struct mapdev_run __user *runs;	/* memory of another region */
};

/* Memory for answers alone; the region is made by the case. */
void log_map_runs(struct kunit *test, struct log_fixture *fx);

/* A region of LOG_SIZE with these attributes, mapped at fx->user. */
void log_init_with(struct kunit *test, struct log_fixture *fx,
		   const char *attrs);

/* The same with those of the parameter. */
void log_init(struct kunit *test, struct log_fixture *fx);

/* How many bytes are dirty; the first of them is at @first. */
u64 log_collect(struct kunit *test, struct log_fixture *fx, u64 *first);

void log_expect_clean(struct kunit *test, struct log_fixture *fx);

/* The unit of one page is dirty, and no other, and then it is not. */
void log_expect_dirty(struct kunit *test, struct log_fixture *fx, pgoff_t page);

/* Write to a page of the region, which alone holds it. */
struct page *log_write_page(struct kunit *test, struct log_fixture *fx,
			    pgoff_t page);

#endif /* _MAPDEV_KUNIT_LOG_H */
