// SPDX-License-Identifier: GPL-2.0
/*
 * A revoke waits for every task that has seen the region live. Stop a task on
 * each path that maps or copies memory, at the place where that matters most:
 * drivers/mapdev/race.h
 */
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "dirty.h"
#include "fixture.h"
#include "race.h"
#include "region.h"
#include "revoker.h"
#include "stats.h"

#define REGION_SIZE SZ_2M
#define CACHED_WINDOW WINDOW " cache=wb"

struct holder;

struct race_case {
	const char *name;
	const char *attrs;
	enum mapdev_race place;
	long (*act)(struct holder *holder);
	/* Beforehand: fill the memory, or fault it in for reading. */
	enum { FRESH, FILLED, MAPPED } before;
};

/* The task that is stopped. There is one at a time. */
static struct holder {
	struct worker worker;
	struct mm_struct *mm;
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
	u8 __user *buffer;	/* in memory of another region */
	const struct race_case *c;
	struct mapdev_region *stop_in;
	enum mapdev_race place;
	struct completion stopped;
	struct completion resume;
	long result;
} holder;

/* --- What the task does --- */

static long load(struct holder *h)
{
	u8 byte;

	return copy_from_user(&byte, h->user, 1) ? -EFAULT : 0;
}

static long store(struct holder *h)
{
	return put_user((u8)1, h->user);
}

static long copy(struct holder *h, int direction)
{
	struct iov_iter iter;
	struct kiocb kiocb;

	init_sync_kiocb(&kiocb, h->file);
	iov_iter_ubuf(&iter, direction, h->buffer, PAGE_SIZE);
	return direction == ITER_DEST ?
		h->file->f_op->read_iter(&kiocb, &iter) :
		h->file->f_op->write_iter(&kiocb, &iter);
}

static long read_file(struct holder *h)
{
	return copy(h, ITER_DEST);
}

static long write_file(struct holder *h)
{
	return copy(h, ITER_SOURCE);
}

/* Like ptrace. */
static long access(struct holder *h)
{
	unsigned long addr = (unsigned long)h->user;
	struct vm_area_struct *vma;
	u64 word;
	int len;

	mmap_read_lock(h->mm);
	vma = vma_lookup(h->mm, addr);
	len = vma->vm_ops->access(vma, addr, &word, sizeof(word), 0);
	mmap_read_unlock(h->mm);
	return len;
}

static long collect(struct holder *h)
{
	struct mapdev_dirty args = {
		.size = sizeof(args),
		.length = U64_MAX,
		.runs = (uintptr_t)h->buffer,
		.capacity = 16,
	};

	return mapdev_dirty_collect(h->region, &args, h->buffer + SZ_4K / 2);
}

static void act(struct work_struct *work)
{
	kthread_use_mm(holder.mm);
	holder.result = holder.c->act(&holder);
	kthread_unuse_mm(holder.mm);
	complete(&holder.worker.done);
}

/* Stop the first task only: later ones must pass. */
static void stop(struct mapdev_region *region, enum mapdev_race place)
{
	if (region != holder.stop_in || place != holder.place ||
	    completion_done(&holder.stopped))
		return;
	complete_all(&holder.stopped);
	/* map_pages is called under RCU. */
	if (place == MAPDEV_RACE_MAP_PAGES)
		while (!completion_done(&holder.resume))
			cpu_relax();
	else
		wait_for_completion(&holder.resume);
}

/*
 * page_mkwrite() of pages is missing: the revoke need not wait for it, since mm
 * core checks that the entry is still present before it makes it writable.
 */

static const struct race_case cases[] = {
	{ "paged new folio", "", MAPDEV_RACE_NEW_FOLIO, store },
	{ "paged zeroing", "", MAPDEV_RACE_COMPLETE, store },
	{ "paged fault", "", MAPDEV_RACE_FAULT, store },
	{ "paged small fault", "granule=PAGE", MAPDEV_RACE_FAULT, load },
	{ "paged huge fault", "granule=2097152", MAPDEV_RACE_HUGE_FAULT, store },
	{ "paged map_pages", "granule=PAGE", MAPDEV_RACE_MAP_PAGES, load, FILLED },
	{ "paged mkwrite", "dirty=1", MAPDEV_RACE_MKWRITE, store, MAPPED },
	{ "paged read", "", MAPDEV_RACE_COPY, read_file, FILLED },
	{ "paged write", "", MAPDEV_RACE_COPY, write_file, FILLED },
	{ "paged write to hole", "", MAPDEV_RACE_COPY, write_file },
	{ "pages fault", "backing=pages", MAPDEV_RACE_FAULT, load },
	{ "pages dirty fault", "backing=pages dirty=1", MAPDEV_RACE_FAULT,
	  store },
	{ "pages collect", "backing=pages dirty=1", MAPDEV_RACE_COLLECT,
	  collect, FILLED },
	{ "pages read", "backing=pages", MAPDEV_RACE_COPY, read_file },
	{ "pages write", "backing=pages", MAPDEV_RACE_COPY, write_file },
	{ "vmalloc fault", "backing=vmalloc", MAPDEV_RACE_FAULT, store },
	{ "vmalloc read", "backing=vmalloc", MAPDEV_RACE_COPY, read_file },
	{ "contig pin fault", "backing=contig pin=1", MAPDEV_RACE_FAULT, load },
	{ "contig pin write", "backing=contig pin=1", MAPDEV_RACE_COPY,
	  write_file },
	{ "contig fault", "backing=contig", MAPDEV_RACE_FAULT, store },
	{ "contig huge fault", "backing=contig", MAPDEV_RACE_HUGE_FAULT,
	  store },
	{ "contig read", "backing=contig", MAPDEV_RACE_COPY, read_file },
	{ "contig access", "backing=contig", MAPDEV_RACE_ACCESS, access },
	{ "window fault", CACHED_WINDOW, MAPDEV_RACE_FAULT, store },
	{ "window write", CACHED_WINDOW, MAPDEV_RACE_COPY, write_file },
	{ "window access", CACHED_WINDOW, MAPDEV_RACE_ACCESS, access },
};

static void case_name(const struct race_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(race, cases, case_name);

static void forget_holder(void *unused)
{
	mapdev_race_set(NULL);
	complete_all(&holder.resume);
	worker_end(&holder.worker);
}

/* Have the user buffer of a copy in another region, with empty page tables. */
static struct mapdev_region *map_buffer(struct kunit *test, const char *attrs)
{
	struct mapdev_region *region = fixture_region_with(test, SZ_64K, attrs);
	struct file *file = fixture_open(test, region, O_RDWR);

	holder.buffer = (u8 __user *)fixture_map(test, file, 0, SZ_64K,
						 PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE((unsigned long)holder.buffer));
	return region;
}

static void prepare(struct kunit *test, const struct race_case *c)
{
	/* Without its last page, the region does not fit into a PMD. */
	u64 length = REGION_SIZE -
		     (c->place == MAPDEV_RACE_HUGE_FAULT ? 0 : PAGE_SIZE);
	struct address_space *mapping;

	holder.c = c;
	init_completion(&holder.stopped);
	init_completion(&holder.resume);
	holder.region = fixture_region_with(test, REGION_SIZE, c->attrs);
	holder.file = fixture_open(test, holder.region, O_RDWR);
	holder.user = (u8 __user *)fixture_map(test, holder.file, 0, length,
					       PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE((unsigned long)holder.user));
	holder.mm = current->mm;

	mapping = holder.region->inode->i_mapping;
	if (c->before == FILLED) {
		KUNIT_ASSERT_EQ(test, 0, store(&holder));
		unmap_mapping_range(mapping, 0, 0, 1);
	}
	if (c->before == MAPPED)
		KUNIT_ASSERT_EQ(test, 0, load(&holder));
}

/* Start the task, and return when it is stopped in @region at @place. */
static void start(struct kunit *test, struct mapdev_region *region,
		  enum mapdev_race place)
{
	holder.stop_in = region;
	holder.place = place;
	mapdev_race_set(stop);
	worker_start(&holder.worker, act);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, forget_holder,
							   NULL));
	KUNIT_ASSERT_NE_MSG(test, 0,
			    wait_for_completion_timeout(&holder.stopped, 10 * HZ),
			    "no task was stopped, and the result is %ld",
			    holder.result);
}

/* ids: LK-56 LK-65 PA-37 */
static void revoke_waits_for_holder(struct kunit *test)
{
	const struct race_case *c = test->param_value;
	struct revoker revoker;

	if (c->place == MAPDEV_RACE_HUGE_FAULT) {
		fixture_needs_huge_folios(test);
		fixture_needs_huge_frames(test);
	}
	prepare(test, c);
	map_buffer(test, "");
	KUNIT_ASSERT_EQ(test, 0, clear_user(holder.buffer, PAGE_SIZE));
	start(test, holder.region, c->place);

	revoker_start(&revoker, holder.region);
	KUNIT_EXPECT_EQ_MSG(test, 0,
			    wait_for_completion_timeout(&revoker.worker.done,
							HZ / 2),
			    "the revoke did not wait for the task");
	complete_all(&holder.resume);
	revoker_end(&revoker);
	wait_for_completion(&holder.worker.done);
	/* Whatever the task has mapped is unmapped. */
	KUNIT_EXPECT_EQ(test, -EFAULT, load(&holder));
}

static const struct race_case huge_cases[] = {
	{ "paged", "granule=2097152", MAPDEV_RACE_HUGE_FAULT, store },
	{ "contig", "backing=contig", MAPDEV_RACE_HUGE_FAULT, store },
};

KUNIT_ARRAY_PARAM(huge, huge_cases, case_name);

/*
 * The driver reads the PMD without its lock. A page table may come in after that:
 * it stays, and the fault comes again, in small.
 */
/* ids: PA-36 PA-41 */
static void huge_fault_keeps_page_table(struct kunit *test)
{
	const struct race_case *c = test->param_value;
	unsigned long tables;

	fixture_needs_huge_folios(test);
	fixture_needs_huge_frames(test);
	prepare(test, c);
	start(test, holder.region, c->place);
	KUNIT_EXPECT_FALSE(test, fixture_is_present((unsigned long)holder.user));
	scoped_guard(mmap_read_lock, current->mm)
		KUNIT_EXPECT_EQ(test, 0,
				apply_to_page_range(current->mm,
						    (unsigned long)holder.user,
						    PAGE_SIZE, NULL, NULL));
	tables = mm_pgtables_bytes(current->mm);
	complete_all(&holder.resume);
	wait_for_completion(&holder.worker.done);
	KUNIT_EXPECT_EQ(test, 0, holder.result);
	KUNIT_EXPECT_TRUE(test, fixture_is_present((unsigned long)holder.user));
	KUNIT_EXPECT_EQ(test, tables, mm_pgtables_bytes(current->mm));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(holder.region, MAPDEV_STAT_FAULT));
}

/* --- A copy that faults --- */

/*
 * While the buffer faults, the copy holds nothing of the region: a revoke does
 * not wait, and the copy fails.
 */
static void revoke_passes_copy_that_faults(struct kunit *test)
{
	static const struct race_case copies[] = {
		{ "read", "", MAPDEV_RACE_COPY, read_file, FILLED },
		{ "write", "", MAPDEV_RACE_COPY, write_file, FILLED },
		{ "read", "backing=pages", MAPDEV_RACE_COPY, read_file },
		{ "write", "backing=pages", MAPDEV_RACE_COPY, write_file },
		{ "read", "backing=contig", MAPDEV_RACE_COPY, read_file },
		{ "write", CACHED_WINDOW, MAPDEV_RACE_COPY, write_file },
	};

	for (int i = 0; i < ARRAY_SIZE(copies); i++) {
		prepare(test, &copies[i]);
		start(test, map_buffer(test, "backing=pages"),
		      MAPDEV_RACE_FAULT);
		/* A revoke that waits would hang here. */
		mapdev_region_revoke(holder.region, MAPDEV_OFF_ROOT);
		complete_all(&holder.resume);
		wait_for_completion(&holder.worker.done);
		KUNIT_EXPECT_EQ(test, -ENODEV, holder.result);
		kunit_release_action(test, forget_holder, NULL);
	}
}

/* --- A folio that is not zeroed yet --- */

static bool is_uptodate(struct kunit *test)
{
	struct folio *folio = filemap_get_folio(holder.region->inode->i_mapping, 0);
	bool uptodate;

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	uptodate = folio_test_uptodate(folio);
	folio_put(folio);
	return uptodate;
}

/* A lookup that does not take the lock of a folio must not use its bytes. */
static void folio_is_uptodate_when_zeroed(struct kunit *test)
{
	static const struct race_case tasks[] = {
		{ "fault", "", MAPDEV_RACE_COMPLETE, store },
		{ "write", "", MAPDEV_RACE_COMPLETE, write_file },
	};

	for (int i = 0; i < ARRAY_SIZE(tasks); i++) {
		prepare(test, &tasks[i]);
		map_buffer(test, "");
		KUNIT_ASSERT_EQ(test, 0, clear_user(holder.buffer, PAGE_SIZE));
		start(test, holder.region, MAPDEV_RACE_COMPLETE);
		KUNIT_EXPECT_FALSE(test, is_uptodate(test));
		complete_all(&holder.resume);
		wait_for_completion(&holder.worker.done);
		KUNIT_EXPECT_TRUE(test, is_uptodate(test));
		kunit_release_action(test, forget_holder, NULL);
	}
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE_PARAM(revoke_waits_for_holder, race_gen_params),
	KUNIT_CASE_PARAM(huge_fault_keeps_page_table, huge_gen_params),
	KUNIT_CASE(revoke_passes_copy_that_faults),
	KUNIT_CASE(folio_is_uptodate_when_zeroed),
	{}
};

static struct kunit_suite race_suite = {
	.name		= "mapdev_race",
	.test_cases	= race_cases,
};

kunit_test_suite(race_suite);
