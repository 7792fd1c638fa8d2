// SPDX-License-Identifier: GPL-2.0
/* Who waits for whom at the locks of a VMA and its mm: two threads each. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/workqueue.h>

#include "vmalock.h"

struct other {
	struct work_struct work;
	struct mapping *m;
	struct completion tried;	/* of one that then waits, and who that is */
	struct task_struct *task;
	struct completion done;
	bool had;	/* what it came for */
};

static void other_start(struct other *other, struct mapping *m,
			work_func_t func)
{
	other->m = m;
	other->had = false;
	init_completion(&other->tried);
	init_completion(&other->done);
	INIT_WORK_ONSTACK(&other->work, func);
	queue_work(system_dfl_wq, &other->work);
}

static void other_end(struct other *other)
{
	flush_work(&other->work);
	destroy_work_on_stack(&other->work);
}

/* As a fault does that is turned away: then it waits for the mm's lock. */
static void fault_like(struct work_struct *work)
{
	struct other *other = container_of(work, struct other, work);

	other->had = mapping_can_read(other->m);
	other->task = current;
	complete(&other->tried);
	mmap_read_lock(other->m->mm);
	complete(&other->done);
	mmap_read_unlock(other->m->mm);
}

/* ids: PA-7 PA-12 */
static void reader_falls_back(struct kunit *test)
{
	struct other other;
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	vma_start_write(m.vma);
	other_start(&other, &m, fault_like);
	wait_for_completion(&other.tried);
	while (task_is_running(other.task) && !completion_done(&other.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&other.done));
	mmap_write_unlock(m.mm);
	other_end(&other);
	KUNIT_EXPECT_TRUE(test, completion_done(&other.done));
	KUNIT_EXPECT_FALSE(test, other.had);
}

static void writer_like(struct work_struct *work)
{
	struct other *other = container_of(work, struct other, work);

	mmap_write_lock(other->m->mm);
	vma_start_write(other->m->vma);
	complete(&other->done);
	mmap_write_unlock(other->m->mm);
}

/* munmap(), fork() and mprotect() wait for a fault in this VMA. */
/* ids: PA-12 PA-47 */
static void writer_waits_for_reader(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct other other;
	struct mapping m;

	mapping_init(test, &m);
	vma = lock_vma_under_rcu(m.mm, m.addr);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	other_start(&other, &m, writer_like);
	while (!(refcount_read(&vma->vm_refcnt) &
		 VM_REFCNT_EXCLUDE_READERS_FLAG) &&
	       !completion_done(&other.done))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&other.done));
	/* Meanwhile nobody else gets in. */
	KUNIT_EXPECT_FALSE(test, mapping_can_read(&m));
	vma_end_read(vma);
	other_end(&other);
	KUNIT_EXPECT_TRUE(test, completion_done(&other.done));
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
}

static void try_to_read(struct work_struct *work)
{
	struct other *other = container_of(work, struct other, work);

	other->had = mmap_read_trylock(other->m->mm);
	if (other->had)
		mmap_read_unlock(other->m->mm);
	complete(&other->done);
}

static void try_to_write(struct work_struct *work)
{
	struct other *other = container_of(work, struct other, work);

	other->had = down_write_trylock(&other->m->mm->mmap_lock);
	if (other->had)
		up_write(&other->m->mm->mmap_lock);
	complete(&other->done);
}

/* Can a reader and a writer have it now? They do not wait. */
static void others_try(struct mapping *m, struct other *reader,
		       struct other *writer)
{
	other_start(reader, m, try_to_read);
	wait_for_completion(&reader->done);
	other_start(writer, m, try_to_write);
	wait_for_completion(&writer->done);
}

/* Who has downgraded lets readers in, and no writer. */
/* ids: PA-15 PA-52 */
static void downgrade_lets_readers_in(struct kunit *test)
{
	struct other reader[3], writer[3];
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	others_try(&m, &reader[0], &writer[0]);
	mmap_write_downgrade(m.mm);
	others_try(&m, &reader[1], &writer[1]);
	mmap_read_unlock(m.mm);
	others_try(&m, &reader[2], &writer[2]);
	/* Not under the lock: what else has been done by such work takes it. */
	for (int i = 0; i < 3; i++) {
		other_end(&reader[i]);
		other_end(&writer[i]);
	}

	KUNIT_EXPECT_FALSE(test, reader[0].had);
	KUNIT_EXPECT_FALSE(test, writer[0].had);
	KUNIT_EXPECT_TRUE(test, reader[1].had);
	KUNIT_EXPECT_FALSE(test, writer[1].had);
	KUNIT_EXPECT_TRUE(test, reader[2].had);
	KUNIT_EXPECT_TRUE(test, writer[2].had);
}

static struct kunit_case waits_cases[] = {
	KUNIT_CASE(reader_falls_back),
	KUNIT_CASE(writer_waits_for_reader),
	KUNIT_CASE(downgrade_lets_readers_in),
	{}
};

static struct kunit_suite waits_suite = {
	.name		= "mapdev_waits",
	.test_cases	= waits_cases,
};

kunit_test_suite(waits_suite);
