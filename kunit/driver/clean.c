// SPDX-License-Identifier: GPL-2.0
/*
 * The dirty log: how a collection write-protects entries, and what it waits
 * for.
 */
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/log2.h>
#include <linux/mapdev.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "dirty.h"
#include "fixture.h"
#include "log.h"

#define LENT_PAGES 8

KUNIT_ARRAY_PARAM(log, log_cases, log_case_name);

/* GUP-fast takes a page for writing only if its entry is writable. */
static bool is_writable(struct log_fixture *fx, pgoff_t page)
{
	struct page *found;

	if (get_user_pages_fast_only((unsigned long)fx->user +
				     (page << PAGE_SHIFT), 1, FOLL_WRITE,
				     &found) != 1)
		return false;
	put_page(found);
	return true;
}

/* ids: LK-24 LK-69 */
static void collect_write_protects(struct kunit *test)
{
	pgoff_t unit, page = 33;
	struct log_fixture fx;
	u8 byte;

	log_init(test, &fx);
	unit = fx.region->attrs.granule >> PAGE_SHIFT;
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, fx.user + page * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, byte);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, page));
	for (int round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, 0,
				put_user((u8)1, fx.user + page * PAGE_SIZE));
		KUNIT_EXPECT_TRUE(test, is_writable(&fx, page));
		/* The write made its own unit writable, and no neighbour. */
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page + unit));
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page - unit));
		log_expect_dirty(test, &fx, page);
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page));
	}
}

/*
 * A program that writes to a hole right after the collection has looked there.
 */
struct late_writer {
	const struct mapdev_backing *real;
	struct mapdev_backing backing;
	u8 __user *user;
	struct mm_struct *mm;
	struct work_struct work;
	struct completion done;
	int err;
};

static void write_late(struct work_struct *work)
{
	struct late_writer *late = container_of(work, struct late_writer, work);

	kthread_use_mm(late->mm);
	late->err = put_user((u8)1, late->user);
	kthread_unuse_mm(late->mm);
	complete_all(&late->done);
}

static struct folio *lock_folio_too_early(struct mapdev_region *region,
					  pgoff_t index)
{
	struct late_writer *late = container_of(region->backing,
						struct late_writer, backing);

	if (completion_done(&late->done))
		return late->real->lock_folio(region, index);
	queue_work(system_dfl_wq, &late->work);
	wait_for_completion(&late->done);
	return ERR_PTR(-ENOENT);
}

static pgoff_t next_folio_here(struct mapdev_region *region, pgoff_t index,
			       pgoff_t end)
{
	return index;
}

static pgoff_t next_folio_too_early(struct mapdev_region *region, pgoff_t index,
				    pgoff_t end)
{
	struct late_writer *late = container_of(region->backing,
						struct late_writer, backing);

	if (completion_done(&late->done))
		return late->real->next_folio(region, index, end);
	queue_work(system_dfl_wq, &late->work);
	wait_for_completion(&late->done);
	return end;
}

/* A discard leaves marks on holes, where there is no folio to lock. */
static void hole_is_written(struct kunit *test, bool first_of_unit)
{
	struct late_writer *late = kunit_kzalloc(test, sizeof(*late),
						 GFP_KERNEL);
	struct log_fixture fx;

	KUNIT_ASSERT_NOT_NULL(test, late);
	log_init_with(test, &fx, "dirty=1 granule=PAGE");
	late->err = -EIO;
	late->real = fx.region->backing;
	late->backing = *late->real;
	if (first_of_unit) {
		late->backing.next_folio = next_folio_here;
		late->backing.lock_folio = lock_folio_too_early;
	} else {
		late->backing.next_folio = next_folio_too_early;
	}
	late->user = fx.user + 33 * PAGE_SIZE;
	late->mm = current->mm;
	init_completion(&late->done);
	INIT_WORK(&late->work, write_late);
	mapdev_dirty_mark(fx.region, 33, 1);
	fx.region->backing = &late->backing;
	log_expect_dirty(test, &fx, 33);
	fx.region->backing = late->real;
	flush_work(&late->work);
	KUNIT_EXPECT_EQ(test, 0, late->err);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 33));
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)2, fx.user + 33 * PAGE_SIZE));
	log_expect_dirty(test, &fx, 33);
}

/* One of several holes, whose marks are cleared together. */
/* ids: LK-69 */
static void write_to_marked_holes_is_logged(struct kunit *test)
{
	hole_is_written(test, false);
}

/* next_folio() finds the page, but lock_folio() finds a hole. */
/* ids: LK-69 */
static void write_to_marked_hole_is_logged(struct kunit *test)
{
	hole_is_written(test, true);
}

/* Marked holes around folios are reported together, and once. */
static void collect_marked_holes(struct kunit *test)
{
	struct log_fixture fx;
	u64 first;

	log_init_with(test, &fx, "dirty=1 granule=PAGE");
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, fx.user + 100 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, fx.user + 102 * PAGE_SIZE));
	mapdev_dirty_mark(fx.region, 3, LOG_PAGES - 3);
	KUNIT_EXPECT_EQ(test, LOG_SIZE - 3 * PAGE_SIZE,
			log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, 3 * PAGE_SIZE, first);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 100));
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 102));
	log_expect_clean(test, &fx);
	/* The marks of a run of holes are cleared, and no others. */
	mapdev_dirty_mark(fx.region, 10, 80);
	mapdev_dirty_mark(fx.region, 91, 9);
	scoped_guard(mutex, &fx.region->dirty->lock) {
		KUNIT_EXPECT_EQ(test, 80, mapdev_dirty_clean(fx.region, 10,
							     LOG_PAGES - 10));
		KUNIT_EXPECT_EQ(test, 4, mapdev_dirty_clean(fx.region, 91, 4));
	}
	KUNIT_EXPECT_EQ(test, 5 * PAGE_SIZE, log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, 95 * PAGE_SIZE, first);
}

/* A thread that holds a page lock until the collection waits for it. */
struct holder {
	struct work_struct work;
	struct page *page;
	struct page *other;
	struct completion locked;
	struct completion collected;
	bool waited_for;
	bool other_free;	/* while the collection waited */
};

static void hold_page(struct work_struct *work)
{
	struct holder *holder = container_of(work, struct holder, work);

	lock_page(holder->page);
	complete(&holder->locked);
	/* A collection that does not wait is done long before. */
	holder->waited_for =
		!wait_for_completion_timeout(&holder->collected, HZ / 2);
	if (holder->other && trylock_page(holder->other)) {
		holder->other_free = true;
		unlock_page(holder->other);
	}
	unlock_page(holder->page);
}

static void end_hold(void *context)
{
	struct holder *holder = context;

	complete(&holder->collected);
	flush_work(&holder->work);
}

/* Lock @page until release() or the end of the case. */
static struct holder *hold(struct kunit *test, struct page *page,
			   struct page *other)
{
	struct holder *holder = kunit_kzalloc(test, sizeof(*holder), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, holder);
	holder->page = page;
	holder->other = other;
	init_completion(&holder->locked);
	init_completion(&holder->collected);
	INIT_WORK(&holder->work, hold_page);
	queue_work(system_dfl_wq, &holder->work);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_hold,
							   holder));
	wait_for_completion(&holder->locked);
	return holder;
}

static void release(struct kunit *test, struct holder *holder)
{
	kunit_release_action(test, end_hold, holder);
}

/* A writer may mark a folio first, and write to it until it is unlocked. */
/* ids: LK-69 */
static void collect_waits_for_folio(struct kunit *test)
{
	struct log_fixture fx;
	struct holder *holder;
	struct page *page;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 33);
	holder = hold(test, page, NULL);
	log_expect_dirty(test, &fx, 33);
	release(test, holder);
	KUNIT_EXPECT_TRUE(test, holder->waited_for);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 33));
}

/* The holder of a reference to a large folio may write without marking it. */
static void referenced_stays_dirty(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;
	u64 first;

	log_init(test, &fx);
	page = log_write_page(test, &fx, 33);
	get_page(page);
	if (folio_test_large(page_folio(page))) {
		for (int round = 0; round < 2; round++)
			KUNIT_EXPECT_EQ(test, fx.region->attrs.granule,
					log_collect(test, &fx, &first));
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, 33));
	} else {
		log_expect_dirty(test, &fx, 33);
	}
	put_page(page);
	if (folio_test_large(page_folio(page)))
		log_expect_dirty(test, &fx, 33);
	log_expect_clean(test, &fx);
}

static void pinned_stays_dirty(struct kunit *test)
{
	struct page *page = NULL;
	struct log_fixture fx;
	u64 first;

	log_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 1,
			pin_user_pages_fast((unsigned long)fx.user + PAGE_SIZE,
					    1, FOLL_WRITE, &page));
	for (int round = 0; round < 3; round++)
		KUNIT_EXPECT_EQ(test, fx.region->attrs.granule,
				log_collect(test, &fx, &first));
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 1));
	unpin_user_pages_dirty_lock(&page, 1, true);
	log_expect_dirty(test, &fx, 1);

	/* Long-term pins for writing are refused. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_user_pages_fast((unsigned long)fx.user + PAGE_SIZE,
					    1, FOLL_WRITE | FOLL_LONGTERM,
					    &page));
}

/* --- Runs of pages --- */

/* The run starts inside one word of the marks, and ends in another. */
#define ROW_FIRST	40
#define ROW_MIDDLE	45
#define ROW_END		140

static void write_row(struct kunit *test, struct log_fixture *fx)
{
	for (pgoff_t page = ROW_FIRST; page < ROW_END; page++)
		KUNIT_ASSERT_EQ(test, 0,
				put_user((u8)1, fx->user + page * PAGE_SIZE));
}

/* The whole run is reported, and is write-protected afterwards. */
static void expect_row(struct kunit *test, struct log_fixture *fx)
{
	u64 unit = fx->region->attrs.granule, first;
	u64 start = round_down(ROW_FIRST * PAGE_SIZE, unit);

	KUNIT_EXPECT_EQ(test, round_up(ROW_END * PAGE_SIZE, unit) - start,
			log_collect(test, fx, &first));
	KUNIT_EXPECT_EQ(test, start, first);
	for (pgoff_t page = 0; page < LOG_PAGES; page++)
		KUNIT_EXPECT_FALSE_MSG(test, is_writable(fx, page),
				       "page %lu", page);
}

static void collect_run(struct kunit *test)
{
	struct log_fixture fx;

	log_init(test, &fx);
	for (int round = 0; round < 2; round++) {
		write_row(test, &fx);
		expect_row(test, &fx);
		log_expect_clean(test, &fx);
	}
}

/* Contiguous frames are cleaned by words of the marks. */
static void collect_run_by_words(struct kunit *test)
{
	struct log_fixture fx;
	unsigned long count;

	log_init_with(test, &fx, "dirty=1 backing=contig pin=1");
	write_row(test, &fx);
	for (pgoff_t page = ROW_FIRST; page < ROW_END; page += count) {
		unsigned long left = ROW_END - page;

		scoped_guard(mutex, &fx.region->dirty->lock)
			count = mapdev_dirty_clean(fx.region, page, left);
		KUNIT_ASSERT_EQ(test, count,
				min(left, BITS_PER_LONG - page % BITS_PER_LONG));
	}
	for (pgoff_t page = ROW_FIRST; page < ROW_END; page++)
		KUNIT_EXPECT_FALSE_MSG(test, is_writable(&fx, page),
				       "page %lu", page);
	log_expect_clean(test, &fx);
}

/* A second mapping covers a part of the run. */
static void collect_run_mapped_twice(struct kunit *test)
{
	const pgoff_t start = ROW_MIDDLE + 1, end = ROW_END - 1;
	struct log_fixture fx, part;

	log_init(test, &fx);
	part = fx;
	part.user = (u8 __user *)fixture_map(test, fx.file, start * PAGE_SIZE,
					     (end - start) * PAGE_SIZE,
					     PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE((unsigned long)part.user));
	part.user -= start * PAGE_SIZE;
	write_row(test, &fx);
	for (pgoff_t page = start; page < end; page++)
		KUNIT_ASSERT_EQ(test, 0,
				put_user((u8)2, part.user + page * PAGE_SIZE));
	expect_row(test, &fx);
	for (pgoff_t page = start; page < end; page++)
		KUNIT_EXPECT_FALSE_MSG(test, is_writable(&part, page),
				       "page %lu", page);
}

/* A pinned page stays marked, and no other. */
static void collect_run_keeps_pinned(struct kunit *test)
{
	struct page *page = NULL;
	struct log_fixture fx;
	u64 first, unit;

	log_init(test, &fx);
	unit = fx.region->attrs.granule;
	write_row(test, &fx);
	KUNIT_ASSERT_EQ(test, 1,
			pin_user_pages_fast((unsigned long)fx.user +
					    ROW_MIDDLE * PAGE_SIZE, 1,
					    FOLL_WRITE, &page));
	expect_row(test, &fx);
	KUNIT_EXPECT_EQ(test, unit, log_collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, round_down(ROW_MIDDLE * PAGE_SIZE, unit), first);
	unpin_user_pages_dirty_lock(&page, 1, true);
	log_expect_dirty(test, &fx, ROW_MIDDLE);
}

/* The holder of one page lock may wait for an earlier page of the run. */
static void collect_run_waits_for_lock(struct kunit *test)
{
	struct page *first, *middle;
	struct log_fixture fx;
	struct holder *holder;

	log_init(test, &fx);
	first = log_write_page(test, &fx, ROW_FIRST);
	middle = log_write_page(test, &fx, ROW_MIDDLE);
	if (page_folio(first) == page_folio(middle))
		middle = log_write_page(test, &fx, ROW_END - 1);
	write_row(test, &fx);
	holder = hold(test, middle, first);
	expect_row(test, &fx);
	release(test, holder);
	KUNIT_EXPECT_TRUE(test, holder->waited_for);
	KUNIT_EXPECT_TRUE(test, holder->other_free);
	log_expect_clean(test, &fx);
}

static void free_split(void *context)
{
	struct page *page = context;

	for (int i = 0; i < LENT_PAGES; i++)
		__free_page(page + i);
}

KUNIT_DEFINE_ACTION_WRAPPER(retire_action, mapdev_unregister,
			    struct mapdev_region *);

/* Consecutive pages on frames in reverse order. */
static void collect_scattered_frames(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, LENT_PAGES, sizeof(*pages),
					    GFP_KERNEL);
	struct mapdev_desc desc = {
		.name	= "kunit-backwards",
		.size	= LENT_PAGES * PAGE_SIZE,
		.memory	= MAPDEV_EXPORT_PAGES,
		.pages	= pages,
		.dirty	= true,
	};
	struct log_fixture fx;
	struct page *page;
	u64 first;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	log_map_runs(test, &fx);
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, ilog2(LENT_PAGES));
	KUNIT_ASSERT_NOT_NULL(test, page);
	split_page(page, ilog2(LENT_PAGES));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_split,
							   page));
	for (int i = 0; i < LENT_PAGES; i++)
		pages[i] = page + LENT_PAGES - 1 - i;
	fx.region = mapdev_register(&desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx.region);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, retire_action,
							   fx.region));
	fx.file = fixture_open(test, fx.region, O_RDWR);
	fx.user = (u8 __user *)fixture_map(test, fx.file, 0, desc.size,
					   PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE((unsigned long)fx.user));
	for (int i = 0; i < LENT_PAGES; i++)
		KUNIT_ASSERT_EQ(test, 0,
				put_user((u8)1, fx.user + i * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, desc.size, log_collect(test, &fx, &first));
	for (int i = 0; i < LENT_PAGES; i++)
		KUNIT_EXPECT_FALSE_MSG(test, is_writable(&fx, i), "page %d", i);
}

static struct kunit_case clean_cases[] = {
	KUNIT_CASE_PARAM(collect_write_protects, log_gen_params),
	KUNIT_CASE(write_to_marked_holes_is_logged),
	KUNIT_CASE(write_to_marked_hole_is_logged),
	KUNIT_CASE(collect_marked_holes),
	KUNIT_CASE_PARAM(collect_waits_for_folio, log_gen_params),
	KUNIT_CASE_PARAM(referenced_stays_dirty, log_gen_params),
	KUNIT_CASE_PARAM(pinned_stays_dirty, log_gen_params),
	KUNIT_CASE_PARAM(collect_run, log_gen_params),
	KUNIT_CASE(collect_run_by_words),
	KUNIT_CASE_PARAM(collect_run_mapped_twice, log_gen_params),
	KUNIT_CASE_PARAM(collect_run_keeps_pinned, log_gen_params),
	KUNIT_CASE_PARAM(collect_run_waits_for_lock, log_gen_params),
	KUNIT_CASE(collect_scattered_frames),
	{}
};

static struct kunit_suite clean_suite = {
	.name		= "mapdev_clean",
	.test_cases	= clean_cases,
};

kunit_test_suite(clean_suite);
