// SPDX-License-Identifier: GPL-2.0
/* The dirty log: its bits, the entries of page tables, pins, other drivers. */
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/mapdev.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/prandom.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "fixture.h"
#include "marks.h"

#define REGION_SIZE (64 * PAGE_SIZE)
#define MAX_RUNS 64

/* --- The set of marks --- */

/* The same set as mere bits, found by looking at each. */
static void marks_are_a_set(struct kunit *test)
{
	static const unsigned long limits[] = {
		1, 2, BITS_PER_LONG - 1, BITS_PER_LONG, BITS_PER_LONG + 1, 4095,
		4096, 4097, 262144, 262145, 300000,
	};
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		unsigned long limit = limits[i], nr, from = 0;
		struct mapdev_marks *marks = mapdev_marks_alloc(limit);
		unsigned long *bits = kvcalloc(BITS_TO_LONGS(limit),
					       sizeof(long), GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, marks);
		KUNIT_ASSERT_NOT_NULL(test, bits);
		KUNIT_EXPECT_EQ(test, ULONG_MAX, mapdev_marks_next(marks, 0));
		for (int step = 0; step < 3000; step++) {
			/* In clusters, and at the end, so that words go empty. */
			nr = prandom_u32_state(&rnd) % min(limit, 3 + step);
			if (step % 7 == 0)
				nr = limit - 1 - nr;
			if (prandom_u32_state(&rnd) % 2) {
				KUNIT_ASSERT_EQ(test, !test_bit(nr, bits),
						mapdev_marks_set(marks, nr));
				__set_bit(nr, bits);
			} else {
				mapdev_marks_clear(marks, nr);
				__clear_bit(nr, bits);
			}
			nr = find_next_bit(bits, limit, from);
			KUNIT_ASSERT_EQ(test, nr < limit ? nr : ULONG_MAX,
					mapdev_marks_next(marks, from));
			from = nr < limit ? nr + 1 : 0;
		}
		/* Empty again at all levels. */
		for_each_set_bit(nr, bits, limit)
			mapdev_marks_clear(marks, nr);
		for (unsigned int level = 0; level < marks->levels; level++)
			KUNIT_EXPECT_EQ(test, marks->bits[level],
					find_first_bit(marks->level[level],
						       marks->bits[level]));
		kvfree(bits);
		kvfree(marks);
	}
}

/*
 * Somebody adds while the last one of a word goes. The bit above may go with
 * it, and who adds next to that has to set it, even if his own bit is there.
 */
static void marks_set_all_levels(struct kunit *test)
{
	struct mapdev_marks *marks = mapdev_marks_alloc(1000000);

	KUNIT_ASSERT_NOT_NULL(test, marks);
	set_bit(77777, marks->level[0]);
	KUNIT_EXPECT_FALSE(test, mapdev_marks_set(marks, 77777));
	KUNIT_EXPECT_EQ(test, 77777, mapdev_marks_next(marks, 0));
	kvfree(marks);
}

/* --- Regions --- */

struct log_case {
	const char *name;
	const char *attrs;
};

static const struct log_case log_cases[] = {
	{ "paged page", "dirty=1 granule=PAGE" },
	{ "paged 64K", "dirty=1 granule=65536" },
	{ "pages", "dirty=1 backing=pages" },
	{ "vmalloc", "dirty=1 backing=vmalloc" },
	{ "contig pin", "dirty=1 backing=contig pin=1" },
};

static void log_case_name(const struct log_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(log, log_cases, log_case_name);

struct log_fixture {
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
	struct mapdev_run __user *runs;	/* memory of another region */
};

static unsigned long map_region(struct kunit *test, struct file *file, u64 size)
{
	unsigned long addr = fixture_map(test, file, 0, size,
					 PROT_READ | PROT_WRITE);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

static void map_runs(struct kunit *test, struct log_fixture *fx)
{
	struct mapdev_region *other = fixture_region(test, SZ_64K);
	struct file *file = fixture_open(test, other, O_RDWR);

	fx->runs = (void __user *)map_region(test, file, SZ_64K);
}

static void log_init_with(struct kunit *test, struct log_fixture *fx,
			  const char *attrs)
{
	map_runs(test, fx);
	fx->region = fixture_region_with(test, REGION_SIZE, attrs);
	fx->file = fixture_open(test, fx->region, O_RDWR);
	fx->user = (u8 __user *)map_region(test, fx->file, REGION_SIZE);
}

static void log_init(struct kunit *test, struct log_fixture *fx)
{
	const struct log_case *c = test->param_value;

	log_init_with(test, fx, c->attrs);
}

/* How many bytes are dirty; the first of them is at @first. */
static u64 collect(struct kunit *test, struct log_fixture *fx, u64 *first)
{
	struct mapdev_dirty args = {
		.size = sizeof(args),
		.length = U64_MAX,
		.runs = (uintptr_t)fx->runs,
		.capacity = MAX_RUNS,
	};
	struct mapdev_run runs[MAX_RUNS];
	u64 sum = 0;

	KUNIT_ASSERT_EQ(test, 0,
			mapdev_dirty_collect(fx->region, &args, fx->runs +
					     MAX_RUNS));
	KUNIT_ASSERT_EQ(test, 0, args.length);
	KUNIT_ASSERT_EQ(test, 0, copy_from_user(runs, fx->runs, sizeof(runs)));
	*first = args.count ? runs[0].offset : U64_MAX;
	for (u32 i = 0; i < args.count; i++)
		sum += runs[i].length;
	return sum;
}

static void expect_clean(struct kunit *test, struct log_fixture *fx)
{
	u64 first;

	KUNIT_EXPECT_EQ(test, 0, collect(test, fx, &first));
	KUNIT_EXPECT_FALSE(test, mapdev_dirty_pending(fx->region));
}

/* The unit of one page is dirty, and no other, and then it is not. */
static void expect_dirty(struct kunit *test, struct log_fixture *fx,
			 pgoff_t page)
{
	u64 unit = fx->region->attrs.granule, first;

	KUNIT_EXPECT_TRUE(test, mapdev_dirty_pending(fx->region));
	KUNIT_EXPECT_EQ(test, unit, collect(test, fx, &first));
	KUNIT_EXPECT_EQ(test, round_down((u64)page << PAGE_SHIFT, unit), first);
	expect_clean(test, fx);
}

/* Only what an entry lets be written, GUP takes without a fault. */
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
static void entries(struct kunit *test)
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
		/* A write maps its unit writable, and no neighbour. */
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page + unit));
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page - unit));
		expect_dirty(test, &fx, page);
		KUNIT_EXPECT_FALSE(test, is_writable(&fx, page));
	}
}

/* Of a region: a program writes to a hole just after a collection has looked. */
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

/* What is discarded is marked, and there may be nothing there to lock. */
/* ids: LK-69 */
static void marked_hole_is_written(struct kunit *test)
{
	struct late_writer late = { .err = -EIO };
	struct log_fixture fx;

	log_init_with(test, &fx, "dirty=1 granule=PAGE");
	late.real = fx.region->backing;
	late.backing = *late.real;
	late.backing.lock_folio = lock_folio_too_early;
	late.user = fx.user + 33 * PAGE_SIZE;
	late.mm = current->mm;
	init_completion(&late.done);
	INIT_WORK_ONSTACK(&late.work, write_late);
	mapdev_dirty_mark(fx.region, 33, 1);
	fx.region->backing = &late.backing;
	expect_dirty(test, &fx, 33);
	fx.region->backing = late.real;
	flush_work(&late.work);
	destroy_work_on_stack(&late.work);
	KUNIT_EXPECT_EQ(test, 0, late.err);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 33));
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)2, fx.user + 33 * PAGE_SIZE));
	expect_dirty(test, &fx, 33);
}

static struct page *get_page_of(struct kunit *test, struct log_fixture *fx,
				pgoff_t page)
{
	struct page *found = NULL;

	KUNIT_ASSERT_EQ(test, 1,
			get_user_pages_fast((unsigned long)fx->user +
					    (page << PAGE_SHIFT), 1, FOLL_WRITE,
					    &found));
	return found;
}

/* ids: LK-70 LK-90 LK-O6 */
static void pages_know_the_region(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = get_page_of(test, &fx, 33);
	KUNIT_EXPECT_PTR_EQ(test, fx.region->inode->i_mapping,
			    page_folio(page)->mapping);
	KUNIT_EXPECT_EQ(test, 33, page_folio(page)->index +
			folio_page_idx(page_folio(page), page));
	/* A reference alone, and nothing written by it. */
	expect_dirty(test, &fx, 33);
	/* As ptrace does: write, and then say so. */
	set_page_dirty_lock(page);
	expect_dirty(test, &fx, 33);
	put_page(page);
	expect_clean(test, &fx);
}

struct holder {
	struct work_struct work;
	struct folio *folio;
	struct completion locked;
	struct completion collected;
	bool waited_for;
};

static void hold_folio(struct work_struct *work)
{
	struct holder *holder = container_of(work, struct holder, work);

	folio_lock(holder->folio);
	complete(&holder->locked);
	/* What nobody holds up is over long before. */
	holder->waited_for =
		!wait_for_completion_timeout(&holder->collected, HZ / 2);
	folio_unlock(holder->folio);
}

/* Who has marked and locked a folio writes to it until he unlocks it. */
/* ids: LK-69 */
static void collect_waits_for_folio(struct kunit *test)
{
	struct holder holder;
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = get_page_of(test, &fx, 33);
	holder.folio = page_folio(page);
	init_completion(&holder.locked);
	init_completion(&holder.collected);
	INIT_WORK_ONSTACK(&holder.work, hold_folio);
	queue_work(system_dfl_wq, &holder.work);
	wait_for_completion(&holder.locked);

	expect_dirty(test, &fx, 33);
	complete(&holder.collected);
	flush_work(&holder.work);
	destroy_work_on_stack(&holder.work);
	KUNIT_EXPECT_TRUE(test, holder.waited_for);
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 33));
	put_page(page);
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
				collect(test, &fx, &first));
	KUNIT_EXPECT_FALSE(test, is_writable(&fx, 1));
	unpin_user_pages_dirty_lock(&page, 1, true);
	expect_dirty(test, &fx, 1);

	/* Nobody lets go of it, or takes it, for writing for long. */
	KUNIT_EXPECT_EQ(test, -EFAULT,
			pin_user_pages_fast((unsigned long)fx.user + PAGE_SIZE,
					    1, FOLL_WRITE | FOLL_LONGTERM,
					    &page));
}

/* A page outlives its region where it is pinned, and then is free of it. */
static void pinned_outlives(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = get_page_of(test, &fx, 2);
	fixture_retire(test, fx.region);
	vm_munmap((unsigned long)fx.user, REGION_SIZE);
	fixture_close(test, fx.file);
	KUNIT_EXPECT_NULL(test, page_folio(page)->mapping);
	set_page_dirty_lock(page);
	put_page(page);
}

/* --- page_mkwrite --- */

static vm_fault_t mkwrite(struct log_fixture *fx, struct page *page,
			  pgoff_t index)
{
	struct vm_area_struct *vma;
	vm_fault_t ret;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx->user);
	{
		struct vm_fault vmf = {
			.vma		= vma,
			.address	= vma->vm_start + index * PAGE_SIZE,
			.pgoff		= index,
			.page		= page,
		};

		ret = vma->vm_ops->page_mkwrite(&vmf);
	}
	mmap_read_unlock(current->mm);
	return ret;
}

/* The mark is there before the entry is. */
/* ids: LK-45 LK-70 */
static void mkwrite_marks(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = get_page_of(test, &fx, 3);
	expect_dirty(test, &fx, 3);
	KUNIT_EXPECT_TRUE(test, VM_FAULT_LOCKED == mkwrite(&fx, page, 3));
	KUNIT_EXPECT_TRUE(test, folio_test_locked(page_folio(page)));
	KUNIT_EXPECT_TRUE(test, mapdev_dirty_pending(fx.region));
	unlock_page(page);
	put_page(page);
	expect_dirty(test, &fx, 3);
}

/* It answers this, and does not leave the folio locked. */
static void refuses(struct kunit *test, struct log_fixture *fx,
		    struct page *page, vm_fault_t answer)
{
	vm_fault_t ret = mkwrite(fx, page, 3);

	KUNIT_EXPECT_TRUE(test, answer == ret);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(page_folio(page)));
	if (ret == VM_FAULT_LOCKED)
		unlock_page(page);
}

/* After the folio was let go of by fault(), a revoke may have come past. */
/* ids: LK-33 LK-71 LK-72 */
static void mkwrite_of_revoked(struct kunit *test)
{
	struct log_fixture fx;
	struct page *page;

	log_init(test, &fx);
	page = get_page_of(test, &fx, 3);
	expect_dirty(test, &fx, 3);
	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	refuses(test, &fx, page, VM_FAULT_SIGBUS);
	mapdev_region_restore(fx.region, MAPDEV_OFF_ROOT);
	put_page(page);
	expect_clean(test, &fx);
}

/* A folio that is not the region's any more: the fault comes again. */
/* ids: LK-71 */
static void mkwrite_of_another(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct log_fixture fx;

	log_init(test, &fx);
	KUNIT_ASSERT_NOT_NULL(test, page);
	refuses(test, &fx, page, VM_FAULT_NOPAGE);
	put_page(page);
	expect_clean(test, &fx);
}

/* ids: LK-68 */
static void mkwrite_asserts_locks(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct log_fixture fx;
	struct page *page;

	if (!IS_ENABLED(CONFIG_DEBUG_VM) || !IS_ENABLED(CONFIG_LOCKDEP))
		kunit_skip(test, "this kernel asserts no locks");
	log_init(test, &fx);
	page = get_page_of(test, &fx, 3);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	mmap_read_unlock(current->mm);
	kunit_warning_suppress(test) {
		struct vm_fault vmf = {
			.vma	= vma,
			.pgoff	= 3,
			.page	= page,
		};

		if (vma->vm_ops->page_mkwrite(&vmf) == VM_FAULT_LOCKED)
			unlock_page(page);
		KUNIT_EXPECT_LE(test, 1, KUNIT_SUPPRESSED_WARNING_COUNT());
	}
	put_page(page);
}

/* --- Who marks in the kernel --- */

static void drivers_mark(struct kunit *test)
{
	struct log_fixture fx;
	u64 first, unit, sum;

	log_init(test, &fx);
	unit = fx.region->attrs.granule;
	mapdev_dirty_mark(fx.region, 33, 1);
	expect_dirty(test, &fx, 33);
	mapdev_dirty_mark(fx.region, 33, 0);
	expect_clean(test, &fx);
	mapdev_dirty_mark(fx.region, 17, 16);
	sum = round_up(33 * PAGE_SIZE, unit) - round_down(17 * PAGE_SIZE, unit);
	KUNIT_EXPECT_EQ(test, sum, collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, round_down(17 * PAGE_SIZE, unit), first);
	/* What is not the region's is left out. */
	mapdev_dirty_mark(fx.region, mapdev_pages(fx.region), 100);
	expect_clean(test, &fx);
}

/* What was marked stays so, and what is new can be. */
static void grows(struct kunit *test)
{
	struct log_fixture fx;
	u64 first, unit;

	log_init(test, &fx);
	unit = fx.region->attrs.granule;
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, fx.user + 33 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0,
			mapdev_dirty_grow(fx.region,
					  2 * mapdev_pages(fx.region)));
	expect_dirty(test, &fx, 33);
	/* Only paged grows; what follows would look for pages. */
	if (fx.region->pages)
		return;
	fx.region->attrs.size *= 2;
	expect_clean(test, &fx);
	mapdev_dirty_mark(fx.region, mapdev_pages(fx.region) - 1, 1);
	KUNIT_EXPECT_EQ(test, unit, collect(test, &fx, &first));
	fx.region->attrs.size /= 2;
}

/* Pages of another driver, who says what he has written. */
static void lent(struct kunit *test)
{
	struct page *pages[8] = {};
	struct mapdev_desc desc = {
		.name	= "kunit-loan",
		.size	= sizeof(pages) / sizeof(*pages) * PAGE_SIZE,
		.memory	= MAPDEV_LEND_PAGES,
		.pages	= pages,
		.dirty	= true,
	};
	struct log_fixture fx;
	u64 first;

	map_runs(test, &fx);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
	}
	fx.region = mapdev_register(&desc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fx.region);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, PAGE_SIZE - 1, 2));
	KUNIT_EXPECT_EQ(test, 2 * PAGE_SIZE, collect(test, &fx, &first));
	KUNIT_EXPECT_EQ(test, 0, first);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, 3 * PAGE_SIZE,
						   PAGE_SIZE));
	expect_dirty(test, &fx, 3);
	KUNIT_EXPECT_EQ(test, 0, mapdev_mark_dirty(fx.region, desc.size, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			mapdev_mark_dirty(fx.region, desc.size, 1));
	expect_clean(test, &fx);

	/* None of them in two regions, nor twice in one. */
	desc.name = "kunit-loan-again";
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(mapdev_register(&desc)));
	mapdev_retire(fx.region);
	swap(pages[7], pages[0]);
	put_page(pages[0]);
	pages[0] = pages[1];
	KUNIT_EXPECT_EQ(test, -EINVAL, PTR_ERR(mapdev_register(&desc)));
	for (size_t i = 1; i < ARRAY_SIZE(pages); i++) {
		KUNIT_EXPECT_NULL(test, page_folio(pages[i])->mapping);
		put_page(pages[i]);
	}
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE(marks_are_a_set),
	KUNIT_CASE(marks_set_all_levels),
	KUNIT_CASE_PARAM(entries, log_gen_params),
	KUNIT_CASE(marked_hole_is_written),
	KUNIT_CASE_PARAM(pages_know_the_region, log_gen_params),
	KUNIT_CASE_PARAM(collect_waits_for_folio, log_gen_params),
	KUNIT_CASE_PARAM(pinned_stays_dirty, log_gen_params),
	KUNIT_CASE_PARAM(pinned_outlives, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_marks, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_of_revoked, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_of_another, log_gen_params),
	KUNIT_CASE_PARAM(mkwrite_asserts_locks, log_gen_params),
	KUNIT_CASE_PARAM(drivers_mark, log_gen_params),
	KUNIT_CASE_PARAM(grows, log_gen_params),
	KUNIT_CASE(lent),
	{}
};

static struct kunit_suite dirty_suite = {
	.name		= "mapdev_dirty",
	.test_cases	= dirty_cases,
};

kunit_test_suite(dirty_suite);
