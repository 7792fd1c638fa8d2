// SPDX-License-Identifier: GPL-2.0
/* Resize and discard with a second thread: who waits for whom. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "../mm/worker.h"
#include "dirty.h"
#include "fixture.h"
#include "log.h"
#include "resize.h"

#define REGION_SIZE	SZ_128K

/* A call in another thread. */
struct caller {
	struct worker worker;
	struct mapdev_region *region;
	struct file *file;
	ssize_t result;
};

static void caller_start(struct caller *caller, struct mapdev_region *region,
			 struct file *file, work_func_t func)
{
	caller->region = region;
	caller->file = file;
	worker_start(&caller->worker, func);
}

/* Allocate all of it, in granules of 64K or the largest of the kernel. */
static struct file *open_filled(struct kunit *test, struct mapdev_region *region)
{
	struct file *file = fixture_open(test, region, O_RDWR);
	loff_t pos = 0;
	u8 byte = 1;

	while (pos < REGION_SIZE) {
		loff_t at = pos;

		KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &at));
		pos += PAGE_SIZE;
	}
	return file;
}

static void shrink_work(struct work_struct *work)
{
	struct caller *caller = container_of(work, struct caller, worker.work);

	caller->result = mapdev_region_resize(caller->region, REGION_SIZE / 2);
	complete(&caller->worker.done);
}

/*
 * i_size must cover every folio that is still in the page cache: mm core may
 * split it at any time, and drops the parts past i_size.
 */
/* ids: LK-30 */
static void shrink_lowers_i_size_last(struct kunit *test)
{
	struct mapdev_region *region;
	struct folio *folio;
	struct caller caller;

	region = fixture_region_with(test, REGION_SIZE, "granule=PAGE");
	open_filled(test, region);
	folio = filemap_lock_folio(region->inode->i_mapping,
				   (REGION_SIZE >> PAGE_SHIFT) - 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));

	caller_start(&caller, region, NULL, shrink_work);
	while (mapdev_size(region) == REGION_SIZE &&
	       !completion_done(&caller.worker.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.worker.done));
	KUNIT_EXPECT_EQ(test, REGION_SIZE, i_size_read(region->inode));
	folio_unlock(folio);
	folio_put(folio);

	worker_end(&caller.worker);
	KUNIT_EXPECT_EQ(test, 0, caller.result);
	KUNIT_EXPECT_EQ(test, REGION_SIZE / 2, i_size_read(region->inode));
}

static void read_work(struct work_struct *work)
{
	struct caller *caller = container_of(work, struct caller, worker.work);
	loff_t pos = 0;
	u8 byte;

	worker_begin(&caller->worker);
	caller->result = kernel_read(caller->file, &byte, 1, &pos);
	complete(&caller->worker.done);
}

/*
 * While a folio is being split, a reader takes no reference, which would make
 * the split fail.
 */
/* ids: LK-91 */
static void read_takes_no_reference_in_split(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, REGION_SIZE);
	struct file *file = open_filled(test, region);
	struct address_space *mapping = region->inode->i_mapping;
	struct folio *folio = filemap_get_folio(mapping, 0);
	struct caller caller;
	int references;

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	references = folio_ref_count(folio);
	filemap_invalidate_lock(mapping);
	WRITE_ONCE(region->splitting, true);
	caller_start(&caller, region, file, read_work);
	worker_wait_blocked(&caller.worker);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.worker.done));
	KUNIT_EXPECT_GE(test, references, folio_ref_count(folio));
	WRITE_ONCE(region->splitting, false);
	filemap_invalidate_unlock(mapping);

	worker_end(&caller.worker);
	KUNIT_EXPECT_EQ(test, 1, caller.result);
	folio_put(folio);
}

/* --- A range that is discarded in pieces --- */

#define PIECES	4
#define PIECE	((u64)MAPDEV_PIECE_PAGES(fx->region) << PAGE_SHIFT)

/* Grow the log alone to several pieces, all clean. */
static void grow_to_pieces(struct kunit *test, struct log_fixture *fx)
{
	u64 first;

	log_init_with(test, fx, "dirty=1 granule=PAGE");
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_dirty_grow(fx->region,
					  PIECES * PIECE >> PAGE_SHIFT));
	fx->region->attrs.size = PIECES * PIECE;
	KUNIT_ASSERT_EQ(test, PIECES * PIECE - LOG_SIZE,
			log_collect(test, fx, &first));
	log_expect_clean(test, fx);
}

static void shrink_to_log(struct log_fixture *fx)
{
	truncate_inode_pages(fx->region->inode->i_mapping, LOG_SIZE);
	fx->region->attrs.size = LOG_SIZE;
}

static int discard_killed(void *data)
{
	struct caller *caller = data;

	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	caller->result = mapdev_region_discard(caller->region, 0,
					       mapdev_size(caller->region));
	kthread_complete_and_exit(&caller->worker.done, 0);
}

/* A killed task stops at the end of a piece. */
static void discard_stops_when_killed(struct kunit *test)
{
	struct log_fixture fixture, *fx = &fixture;
	struct caller caller = {};
	struct task_struct *task;
	u64 first;

	grow_to_pieces(test, fx);
	caller.region = fx->region;
	init_completion(&caller.worker.done);
	task = kthread_run(discard_killed, &caller, "kunit-killed");
	if (IS_ERR(task)) {
		shrink_to_log(fx);
		KUNIT_FAIL_AND_ABORT(test, "no thread");
	}
	wait_for_completion(&caller.worker.done);
	KUNIT_EXPECT_EQ(test, -EINTR, caller.result);
	KUNIT_EXPECT_EQ(test, PIECE, log_collect(test, fx, &first));
	KUNIT_EXPECT_EQ(test, 0, first);
	shrink_to_log(fx);
}

static void discard_work(struct work_struct *work)
{
	struct caller *caller = container_of(work, struct caller, worker.work);

	worker_begin(&caller->worker);
	caller->result = mapdev_region_discard(caller->region, 0,
					       mapdev_size(caller->region));
	complete(&caller->worker.done);
}

struct dropper {
	const char *name;
	work_func_t work;
};

static const struct dropper droppers[] = {
	{ "resize", shrink_work },
	{ "discard", discard_work },
};

static void dropper_name(const struct dropper *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(dropper, droppers, dropper_name);

/* What drops folios waits for a fault that may be adding one. */
/* ids: LK-30 LK-91 */
static void dropping_waits_for_invalidate_lock(struct kunit *test)
{
	const struct dropper *c = test->param_value;
	struct mapdev_region *region = fixture_region(test, REGION_SIZE);
	struct address_space *mapping = region->inode->i_mapping;
	unsigned long pages;
	struct caller caller;

	open_filled(test, region);
	pages = mapping->nrpages;
	filemap_invalidate_lock_shared(mapping);
	caller_start(&caller, region, NULL, c->work);
	while (!rwsem_is_contended(&mapping->invalidate_lock) &&
	       !completion_done(&caller.worker.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&caller.worker.done));
	KUNIT_EXPECT_EQ(test, pages, mapping->nrpages);
	KUNIT_EXPECT_EQ(test, REGION_SIZE, mapdev_size(region));
	filemap_invalidate_unlock_shared(mapping);
	worker_end(&caller.worker);
	KUNIT_EXPECT_EQ(test, 0, caller.result);
	KUNIT_EXPECT_GT(test, pages, mapping->nrpages);
}

/* Like a fault at a hole. The result is the number of folios it finds. */
static void count_work(struct work_struct *work)
{
	struct caller *caller = container_of(work, struct caller, worker.work);
	struct address_space *mapping = caller->region->inode->i_mapping;

	worker_begin(&caller->worker);
	filemap_invalidate_lock_shared(mapping);
	caller->result = mapping->nrpages;
	filemap_invalidate_unlock_shared(mapping);
	complete(&caller->worker.done);
}

/* A waiter gets invalidate_lock before the next piece. */
static void discard_admits_waiter(struct kunit *test)
{
	struct log_fixture fixture, *fx = &fixture;
	struct caller discard, counter;
	struct folio *folio;
	u8 byte = 1;

	grow_to_pieces(test, fx);
	for (int i = 0; i < PIECES; i++) {
		loff_t pos = i * PIECE;

		KUNIT_EXPECT_EQ(test, 1, kernel_write(fx->file, &byte, 1, &pos));
	}
	/* The discard waits for the folio of the second piece. */
	folio = filemap_lock_folio(fx->region->inode->i_mapping,
				   PIECE >> PAGE_SHIFT);
	if (IS_ERR(folio)) {
		shrink_to_log(fx);
		KUNIT_FAIL_AND_ABORT(test, "no folio");
	}
	caller_start(&discard, fx->region, NULL, discard_work);
	while (READ_ONCE(fx->region->inode->i_mapping->nrpages) == PIECES)
		msleep(20);
	worker_wait_blocked(&discard.worker);
	caller_start(&counter, fx->region, NULL, count_work);
	worker_wait_blocked(&counter.worker);
	KUNIT_EXPECT_FALSE(test, completion_done(&discard.worker.done));
	KUNIT_EXPECT_FALSE(test, completion_done(&counter.worker.done));
	folio_unlock(folio);
	folio_put(folio);
	worker_end(&counter.worker);
	worker_end(&discard.worker);
	KUNIT_EXPECT_EQ(test, 0, discard.result);
	KUNIT_EXPECT_EQ(test, PIECES - 2, counter.result);
	KUNIT_EXPECT_EQ(test, 0, fx->region->inode->i_mapping->nrpages);
	shrink_to_log(fx);
}

static struct kunit_case resize_cases[] = {
	KUNIT_CASE(shrink_lowers_i_size_last),
	KUNIT_CASE(read_takes_no_reference_in_split),
	KUNIT_CASE_PARAM(dropping_waits_for_invalidate_lock, dropper_gen_params),
	KUNIT_CASE(discard_stops_when_killed),
	KUNIT_CASE(discard_admits_waiter),
	{}
};

static struct kunit_suite resize_suite = {
	.name		= "mapdev_resize",
	.test_cases	= resize_cases,
};

kunit_test_suite(resize_suite);
