// SPDX-License-Identifier: GPL-2.0
/*
 * The VMA lock: its reference count and sequence number in each state. The
 * cases with two threads are in waits.c.
 */
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>

#include "vmalock.h"

#define SIZE (4 * PAGE_SIZE)

void mapping_init(struct kunit *test, struct mapping *m)
{
	struct file *file = bare_open(test, &bare_mixed_fops, NULL);

	m->addr = fixture_map(test, file, 0, SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(m->addr));
	m->end = m->addr + SIZE;
	m->mm = current->mm;
	mmap_read_lock(m->mm);
	m->vma = vma_lookup(m->mm, m->addr);
	mmap_read_unlock(m->mm);
}

/* ids: PA-2 PA-11 PA-45 */
static void read_lock_takes_reference(struct kunit *test)
{
	struct vm_area_struct *vma;
	struct mapping m;

	mapping_init(test, &m);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&m.vma->vm_refcnt));
	vma = lock_vma_under_rcu(m.mm, m.addr);
	KUNIT_ASSERT_PTR_EQ(test, m.vma, vma);
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&vma->vm_refcnt));
	/* Readers share the lock. */
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
	vma_assert_locked(vma);
	vma_end_read(vma);
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&m.vma->vm_refcnt));
	KUNIT_EXPECT_NULL(test, lock_vma_under_rcu(m.mm, m.end));
}

/* The allowed order: mmap_lock, then the VMA lock. */
/* ids: PA-14 PA-44 */
static void read_lock_under_mmap_lock(struct kunit *test)
{
	struct mapping m;

	mapping_init(test, &m);
	mmap_read_lock(m.mm);
	KUNIT_ASSERT_TRUE(test, vma_start_read_locked(m.vma));
	mmap_read_unlock(m.mm);
	/* The VMA lock alone keeps the VMA stable. */
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&m.vma->vm_refcnt));
	vma_assert_stabilised(m.vma);
	vma_end_read(m.vma);
}

/*
 * Two VMAs, as move_pages of userfaultfd locks them. No other holder can make it
 * fail, only a count that would overflow; and it asserts mmap_lock.
 */
/* ids: PA-44 */
static void read_locks_nest(struct kunit *test)
{
	struct mapping first, second;

	mapping_init(test, &first);
	mapping_init(test, &second);
	mmap_read_lock(first.mm);
	KUNIT_ASSERT_TRUE(test, vma_start_read_locked(first.vma));
	KUNIT_EXPECT_TRUE(test, vma_start_read_locked_nested(second.vma,
							     SINGLE_DEPTH_NESTING));
	KUNIT_EXPECT_EQ(test, 2, refcount_read(&second.vma->vm_refcnt));
	vma_end_read(second.vma);
	vma_end_read(first.vma);

	refcount_set(&second.vma->vm_refcnt, VM_REFCNT_LIMIT);
	KUNIT_EXPECT_FALSE(test, vma_start_read_locked_nested(second.vma,
							      SINGLE_DEPTH_NESTING));
	KUNIT_EXPECT_EQ(test, VM_REFCNT_LIMIT,
			refcount_read(&second.vma->vm_refcnt));
	refcount_set(&second.vma->vm_refcnt, 1);
	mmap_read_unlock(first.mm);

	kunit_warning_suppress(test) {
		if (vma_start_read_locked_nested(second.vma, SINGLE_DEPTH_NESTING))
			vma_end_read(second.vma);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

/* The write lock of a VMA ends with mmap_lock. */
/* ids: PA-3 PA-46 PA-50 */
static void write_lock_ends_with_mmap_lock(struct kunit *test)
{
	unsigned int seq;
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	seq = m.mm->mm_lock_seq.sequence;
	KUNIT_EXPECT_EQ(test, 1, seq & 1);
	KUNIT_EXPECT_FALSE(test, __is_vma_write_locked(m.vma));
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));

	vma_start_write(m.vma);
	KUNIT_EXPECT_TRUE(test, __is_vma_write_locked(m.vma));
	KUNIT_EXPECT_EQ(test, seq, m.vma->vm_lock_seq);
	KUNIT_EXPECT_FALSE(test, mapping_can_read(&m));
	/* A second call does nothing. */
	vma_start_write(m.vma);
	KUNIT_EXPECT_EQ(test, 0, vma_start_write_killable(m.vma));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&m.vma->vm_refcnt));
	mmap_write_unlock(m.mm);

	KUNIT_EXPECT_EQ(test, seq + 1, m.mm->mm_lock_seq.sequence);
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
}

/* ids: PA-49 PA-50 PA-51 */
static void write_lock_ends_with_downgrade(struct kunit *test)
{
	unsigned int seq;
	struct mapping m;

	mapping_init(test, &m);
	mmap_write_lock(m.mm);
	vma_start_write(m.vma);
	seq = m.mm->mm_lock_seq.sequence;
	mmap_write_downgrade(m.mm);
	KUNIT_EXPECT_EQ(test, seq + 1, m.mm->mm_lock_seq.sequence);
	KUNIT_EXPECT_TRUE(test, mapping_can_read(&m));
	mmap_assert_locked(m.mm);
	mmap_read_unlock(m.mm);

	/* For the next writer, too, the VMA is unlocked. */
	mmap_write_lock(m.mm);
	KUNIT_EXPECT_FALSE(test, __is_vma_write_locked(m.vma));
	mmap_write_unlock(m.mm);
}

/* The flags of an attached VMA need mmap_lock for writing. */
/* ids: PA-3 PA-20 */
static void flags_need_write_lock(struct kunit *test)
{
	struct mapping m;

	mapping_init(test, &m);
	mmap_read_lock(m.mm);
	kunit_warning_suppress(test) {
		vm_flags_set(m.vma, VM_DONTEXPAND);
		KUNIT_EXPECT_LE(test, 1, KUNIT_SUPPRESSED_WARNING_COUNT());
	}
	mmap_read_unlock(m.mm);

	mmap_write_lock(m.mm);
	vm_flags_set(m.vma, VM_DONTEXPAND);
	KUNIT_EXPECT_TRUE(test, __is_vma_write_locked(m.vma));
	mmap_write_unlock(m.mm);
}

static struct kunit_case vmalock_cases[] = {
	KUNIT_CASE(read_lock_takes_reference),
	KUNIT_CASE(read_lock_under_mmap_lock),
	KUNIT_CASE(write_lock_ends_with_mmap_lock),
	KUNIT_CASE(write_lock_ends_with_downgrade),
	KUNIT_CASE(flags_need_write_lock),
	KUNIT_CASE(read_locks_nest),
	{}
};

static struct kunit_suite vmalock_suite = {
	.name		= "mapdev_vmalock",
	.test_cases	= vmalock_cases,
};

kunit_test_suite(vmalock_suite);
