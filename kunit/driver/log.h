/* SPDX-License-Identifier: GPL-2.0 */
/* Regions with a dirty log, for each backing that can have one. */
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
	struct mapdev_run __user *runs;	/* in memory of another region */
};

/* Set up fx->runs alone; the case creates the region. */
void log_map_runs(struct kunit *test, struct log_fixture *fx);

/* Create a region of LOG_SIZE and map it at fx->user. */
void log_init_with(struct kunit *test, struct log_fixture *fx,
		   const char *attrs);

/* The same with the attributes of the parameter. */
void log_init(struct kunit *test, struct log_fixture *fx);

/* Collect. Returns the number of dirty bytes; the first is at *@first. */
u64 log_collect(struct kunit *test, struct log_fixture *fx, u64 *first);

void log_expect_clean(struct kunit *test, struct log_fixture *fx);

/* Only the unit of @page is dirty, and is clean after the collection. */
void log_expect_dirty(struct kunit *test, struct log_fixture *fx, pgoff_t page);

/* Write to a page by GUP. Returns the page, without a reference. */
struct page *log_write_page(struct kunit *test, struct log_fixture *fx,
			    pgoff_t page);

#endif /* _MAPDEV_KUNIT_LOG_H */
