// SPDX-License-Identifier: GPL-2.0
/* Two threads contend for the VMA lock and mmap_lock. */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>

#include "vmalock.h"
#include "worker.h"

struct contender {
	struct worker worker;
	struct mapping *m;
	bool had;	/* got the lock */
};

static void contend(struct contender *contender, struct mapping *m,
		    work_func_t func)
{
	contender->m = m;
	contender->had = false;
	worker_start(&contender->worker, func);
}

/* Like a fault that cannot take the VMA lock: wait for mmap_lock. */
static void fault_like(struct work_struct *work)
{
	struct contender *contender = container_of(work, struct contender,
						   worker.work);

	contender->had = mapping_can_read(contender->m);
	worker_begin(&contender->worker);
	mmap_read_lock(contender->m->mm);
	complete(&contender->worker.done);
	mmap_read_unlock(contender->m->mm);
}

/* ids: PA-7 PA-12 */
static void reader_falls_back_to_mmap_lock(struct kunit *test)
{
	struct contender contender;
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	vma_start_write(m.vma);
	contend(&contender, &m, fault_like);
	worker_wait_blocked(&contender.worker);
	KUNIT_EXPECT_FALSE(test, completion_done(&contender.worker.done));
	mmap_write_unlock(m.mm);
	worker_end(&contender.worker);
	KUNIT_EXPECT_TRUE(test, completion_done(&contender.worker.done));
	KUNIT_EXPECT_FALSE(test, contender.had);
}

static void writer_like(struct work_struct *work)
{
	struct contender *contender = container_of(work, struct contender,
						   worker.work);

	mmap_write_lock(contender->m->mm);
	vma_start_write(contender->m->vma);
	complete(&contender->worker.done);
	mmap_write_unlock(contender->m->mm);
}

/* munmap(), fork() and mprotect() wait for a fault in the VMA. */
/* ids: PA-12 PA-47 */
static void writer_waits_for_reader(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct contender contender;
	struct mapping m;

	mapping_init(test, &m);
	vma = lock_vma_under_rcu(m.mm, m.addr);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	contend(&contender, &m, writer_like);
	while (!(refcount_read(&vma->vm_refcnt) &
		 VM_REFCNT_EXCLUDE_READERS_FLAG) &&
	       !completion_done(&contender.worker.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&contender.worker.done));
	/* A waiting writer excludes new readers. */
	KUNIT_EXPECT_FALSE(test, mapping_can_read(&m));
	vma_end_read(vma);
	worker_end(&contender.worker);
	KUNIT_EXPECT_TRUE(test, completion_done(&contender.worker.done));
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
}

static void try_to_read(struct work_struct *work)
{
	struct contender *contender = container_of(work, struct contender,
						   worker.work);

	contender->had = mmap_read_trylock(contender->m->mm);
	if (contender->had)
		mmap_read_unlock(contender->m->mm);
	complete(&contender->worker.done);
}

static void try_to_write(struct work_struct *work)
{
	struct contender *contender = container_of(work, struct contender,
						   worker.work);

	contender->had = down_write_trylock(&contender->m->mm->mmap_lock);
	if (contender->had)
		up_write(&contender->m->mm->mmap_lock);
	complete(&contender->worker.done);
}

/* Try mmap_lock as a reader and as a writer, without waiting. */
static void try_both(struct mapping *m, struct contender *reader,
		     struct contender *writer)
{
	contend(reader, m, try_to_read);
	wait_for_completion(&reader->worker.done);
	contend(writer, m, try_to_write);
	wait_for_completion(&writer->worker.done);
}

/* A downgraded mmap_lock admits readers, and no writer. */
/* ids: PA-15 PA-52 */
static void downgrade_admits_readers(struct kunit *test)
{
	struct contender reader[3], writer[3];
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	try_both(&m, &reader[0], &writer[0]);
	mmap_write_downgrade(m.mm);
	try_both(&m, &reader[1], &writer[1]);
	mmap_read_unlock(m.mm);
	try_both(&m, &reader[2], &writer[2]);
	/*
	 * Flush without mmap_lock: other work on the queue takes it, so lockdep
	 * would report a deadlock.
	 */
	for (int i = 0; i < 3; i++) {
		worker_end(&reader[i].worker);
		worker_end(&writer[i].worker);
	}

	KUNIT_EXPECT_FALSE(test, reader[0].had);
	KUNIT_EXPECT_FALSE(test, writer[0].had);
	KUNIT_EXPECT_TRUE(test, reader[1].had);
	KUNIT_EXPECT_FALSE(test, writer[1].had);
	KUNIT_EXPECT_TRUE(test, reader[2].had);
	KUNIT_EXPECT_TRUE(test, writer[2].had);
}

static struct kunit_case waits_cases[] = {
	KUNIT_CASE(reader_falls_back_to_mmap_lock),
	KUNIT_CASE(writer_waits_for_reader),
	KUNIT_CASE(downgrade_admits_readers),
	{}
};

static struct kunit_suite waits_suite = {
	.name		= "mapdev_waits",
	.test_cases	= waits_cases,
};

kunit_test_suite(waits_suite);
