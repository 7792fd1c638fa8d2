// SPDX-License-Identifier: GPL-2.0
/* Two threads contend for the VMA lock and mmap_lock. */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
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

/*
 * munmap(), fork() and mprotect() wait for a fault in the VMA, with mmap_lock: if
 * the fault waited for that now, both would wait for ever.
 */
/* ids: PA-12 PA-14 PA-47 */
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
	if (mmap_read_trylock(m.mm)) {
		mmap_read_unlock(m.mm);
		KUNIT_FAIL(test, "the writer does not hold mmap_lock");
	}
	vma_end_read(vma);
	worker_end(&contender.worker);
	KUNIT_EXPECT_TRUE(test, completion_done(&contender.worker.done));
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
}

static void fault_in_other(struct work_struct *work)
{
	struct contender *contender = container_of(work, struct contender,
						   worker.work);

	contender->had = mapping_can_read(contender->m);
	complete(&contender->worker.done);
}

/* One VMA is written while another is read, whoever comes first. */
/* ids: PA-9 PA-12 */
static void writer_admits_reader_of_other_vma(struct kunit *test)
{
	struct contender reader, other_reader, writer;
	struct mapping m, other;
	struct vm_area_struct *vma;

	mapping_init(test, &m);
	mapping_init(test, &other);
	KUNIT_ASSERT_PTR_NE(test, m.vma, other.vma);
	mmap_write_lock(m.mm);
	vma_start_write(m.vma);
	contend(&reader, &m, fault_in_other);
	contend(&other_reader, &other, fault_in_other);
	wait_for_completion(&reader.worker.done);
	wait_for_completion(&other_reader.worker.done);
	mmap_write_unlock(m.mm);
	worker_end(&reader.worker);
	worker_end(&other_reader.worker);
	KUNIT_EXPECT_FALSE(test, reader.had);
	KUNIT_EXPECT_TRUE(test, other_reader.had);

	vma = lock_vma_under_rcu(other.mm, other.addr);
	KUNIT_ASSERT_PTR_EQ(test, other.vma, vma);
	contend(&writer, &m, writer_like);
	KUNIT_EXPECT_LT(test, 0,
			wait_for_completion_timeout(&writer.worker.done, 60 * HZ));
	vma_end_read(vma);
	worker_end(&writer.worker);
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

/* --- The states of the locks of a VMA --- */

struct state_case {
	const char *name;
	enum { NO, R, W } mmap, vma, rmap;
};

/* Those of mm/process_addrs.rst, "Examining all valid lock states". */
static const struct state_case state_cases[] = {
	{ "none", NO, NO, NO },
	{ "VMA read", NO, R, NO },
	{ "rmap read", NO, NO, R },
	{ "rmap write", NO, NO, W },
	{ "mmap read", R, NO, NO },
	{ "mmap and VMA read", R, R, NO },
	{ "mmap and rmap read", R, NO, R },
	{ "mmap write", W, NO, NO },
	{ "mmap write, rmap read", W, NO, R },
	{ "mmap and rmap write", W, NO, W },
	{ "mmap and VMA write", W, W, NO },
	{ "mmap and VMA write, rmap read", W, W, R },
	{ "all write", W, W, W },
};

static void state_case_name(const struct state_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(state, state_cases, state_case_name);

static struct address_space *rmap_of(struct mapping *m)
{
	return m->vma->vm_file->f_mapping;
}

/* Where the VMA ends. It may be replaced, but not freed meanwhile. */
static unsigned long end_of(struct mapping *m)
{
	guard(rcu)();
	return vma_lookup(m->mm, m->addr)->vm_end;
}

static void state_lock(struct kunit *test, struct mapping *m)
{
	const struct state_case *c = test->param_value;

	if (c->mmap == R)
		mmap_read_lock(m->mm);
	if (c->mmap == W)
		mmap_write_lock(m->mm);
	if (c->vma == R && c->mmap == R)
		KUNIT_ASSERT_TRUE(test, vma_start_read_locked(m->vma));
	else if (c->vma == R)
		KUNIT_ASSERT_NOT_NULL(test, lock_vma_under_rcu(m->mm, m->addr));
	if (c->vma == W)
		vma_start_write(m->vma);
	if (c->rmap == R)
		i_mmap_lock_read(rmap_of(m));
	if (c->rmap == W)
		i_mmap_lock_write(rmap_of(m));
}

static void state_unlock(const struct state_case *c, struct mapping *m)
{
	if (c->rmap == R)
		i_mmap_unlock_read(rmap_of(m));
	if (c->rmap == W)
		i_mmap_unlock_write(rmap_of(m));
	if (c->vma == R)
		vma_end_read(m->vma);
	if (c->mmap == R)
		mmap_read_unlock(m->mm);
	if (c->mmap == W)
		mmap_write_unlock(m->mm);
}

/* Another thread, which tries to read the VMA, and then to change it. */
struct prober {
	struct worker worker;
	struct mapping *m;
	bool by_mmap, by_vma, by_rmap;
};

static void probe(struct work_struct *work)
{
	struct prober *prober = container_of(work, struct prober, worker.work);
	struct mapping *m = prober->m;

	prober->by_vma = mapping_can_read(m);
	prober->by_mmap = mmap_read_trylock(m->mm);
	if (prober->by_mmap)
		mmap_read_unlock(m->mm);
	prober->by_rmap = i_mmap_trylock_read(rmap_of(m));
	if (prober->by_rmap)
		i_mmap_unlock_read(rmap_of(m));
	complete(&prober->worker.done);
}

/* Move the end of the VMA, for which mm core needs all three locks. */
static void cut(struct work_struct *work)
{
	struct prober *prober = container_of(work, struct prober, worker.work);
	struct mapping *m = prober->m;

	kthread_use_mm(m->mm);
	worker_begin(&prober->worker);
	vm_munmap(m->end - PAGE_SIZE, PAGE_SIZE);
	kthread_unuse_mm(m->mm);
	complete_all(&prober->worker.done);
}

/*
 * Each lock alone keeps the VMA as it is, and each that is held for writing keeps
 * its readers out: nobody sees a VMA that is being written.
 */
/* ids: PA-4 PA-5 PA-6 PA-9 PA-13 PA-15 PA-16 */
static void lock_states(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	bool stable = c->mmap || c->vma || c->rmap;
	struct prober reader, writer;
	struct mapping m;

	mapping_init(test, &m);
	reader.m = &m;
	writer.m = &m;
	state_lock(test, &m);
	worker_start(&reader.worker, probe);
	wait_for_completion(&reader.worker.done);

	worker_start(&writer.worker, cut);
	if (stable)
		worker_wait_blocked(&writer.worker);
	else
		wait_for_completion(&writer.worker.done);
	KUNIT_EXPECT_EQ(test, stable, !completion_done(&writer.worker.done));
	KUNIT_EXPECT_EQ(test, stable, end_of(&m) == m.end);
	state_unlock(c, &m);
	worker_end(&reader.worker);
	worker_end(&writer.worker);
	KUNIT_EXPECT_EQ(test, m.end - PAGE_SIZE, end_of(&m));

	KUNIT_EXPECT_EQ(test, c->mmap != W, reader.by_mmap);
	KUNIT_EXPECT_EQ(test, c->vma != W, reader.by_vma);
	KUNIT_EXPECT_EQ(test, c->rmap != W, reader.by_rmap);
}

static struct kunit_case waits_cases[] = {
	KUNIT_CASE(reader_falls_back_to_mmap_lock),
	KUNIT_CASE(writer_waits_for_reader),
	KUNIT_CASE(writer_admits_reader_of_other_vma),
	KUNIT_CASE(downgrade_admits_readers),
	KUNIT_CASE_PARAM(lock_states, state_gen_params),
	{}
};

static struct kunit_suite waits_suite = {
	.name		= "mapdev_waits",
	.test_cases	= waits_cases,
};

kunit_test_suite(waits_suite);
