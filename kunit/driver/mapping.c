// SPDX-License-Identifier: GPL-2.0
/* Mappings of each backing: populate, fault and revoke. */
#include <linux/bvec.h>
#include <linux/delay.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "fixture.h"
#include "region.h"
#include "revoker.h"
#include "stats.h"

#define REGION_SIZE (64 * PAGE_SIZE)
/* The aligned range that a fault maps. */
#define AROUND SZ_2M

struct backing_case {
	const char *name;
	const char *attrs;
	unsigned long flags;	/* those of VM_SPECIAL */
	bool eager;
};

#define PFN_FLAGS (VM_PFNMAP | VM_IO | VM_DONTEXPAND)
#define RAM_FLAGS (VM_MIXEDMAP | VM_DONTEXPAND)

static const struct backing_case backing_cases[] = {
	{ "paged", "backing=paged" },
	{ "paged small", "backing=paged granule=PAGE" },
	{ "pages", "backing=pages", RAM_FLAGS },
	{ "pages eager", "backing=pages map=eager", RAM_FLAGS, true },
	{ "vmalloc", "backing=vmalloc", RAM_FLAGS },
	{ "vmalloc eager", "backing=vmalloc map=eager", RAM_FLAGS, true },
	{ "contig", "backing=contig", PFN_FLAGS },
	{ "contig eager", "backing=contig map=eager", PFN_FLAGS, true },
	{ "contig pin", "backing=contig pin=1", RAM_FLAGS },
	{ "contig pin eager", "backing=contig pin=1 map=eager", RAM_FLAGS,
	  true },
	{ "window", WINDOW " cache=wb", PFN_FLAGS },
	{ "window eager", WINDOW " cache=wb map=eager", PFN_FLAGS, true },
};

static void backing_case_name(const struct backing_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(backing, backing_cases, backing_case_name);

struct mapping_fixture {
	const struct backing_case *c;
	struct mapdev_region *region;
	struct file *file;
	u8 __user *user;
};

static void fixture_init(struct kunit *test, struct mapping_fixture *fx)
{
	unsigned long addr;

	fx->c = test->param_value ?: &backing_cases[0];
	fx->region = fixture_region_with(test, REGION_SIZE, fx->c->attrs);
	fx->file = fixture_open(test, fx->region, O_RDWR);
	addr = fixture_map(test, fx->file, 0, REGION_SIZE,
			   PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	fx->user = (u8 __user *)addr;
}

/* Like splice(2): a window refuses kernel_read(). */
static ssize_t read_byte(struct file *file, u8 *byte, loff_t pos)
{
	struct bio_vec bvec;
	struct iov_iter iter;
	struct kiocb kiocb;

	bvec_set_virt(&bvec, byte, 1);
	iov_iter_bvec(&iter, ITER_DEST, &bvec, 1, 1);
	init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = pos;
	return file->f_op->read_iter(&kiocb, &iter);
}

/* ids: NM-9 */
static void mapping_and_file_share_data(struct kunit *test)
{
	struct mapping_fixture fx;
	loff_t pos = PAGE_SIZE + 8;
	u8 byte = 43, *read;

	fixture_init(test, &fx);
	read = kunit_kzalloc(test, 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, read);
	KUNIT_EXPECT_EQ(test, 0, put_user((u8)42, fx.user + pos - 1));
	KUNIT_EXPECT_EQ(test, 1, read_byte(fx.file, read, pos - 1));
	KUNIT_EXPECT_EQ(test, 42, *read);

	KUNIT_EXPECT_EQ(test, 1, kernel_write(fx.file, &byte, 1, &pos));
	byte = 0;
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user + PAGE_SIZE + 8));
	KUNIT_EXPECT_EQ(test, 43, byte);
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, 0, byte);
}

/* Also the memory of a window, which outlives the case and the module. */
static void new_region_is_zeroed(struct kunit *test)
{
	for (int i = 0; i < 2; i++) {
		struct mapping_fixture fx;
		u8 byte = 1;

		fixture_init(test, &fx);
		for (loff_t at = 7; at < REGION_SIZE; at += PAGE_SIZE) {
			KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user + at));
			KUNIT_EXPECT_EQ(test, 0, byte);
			KUNIT_EXPECT_EQ(test, 0, put_user((u8)42, fx.user + at));
		}
		vm_munmap((unsigned long)fx.user, REGION_SIZE);
		fixture_close(test, fx.file);
		fixture_retire(test, fx.region);
	}
}

/* ids: MP-7 MP-13 MP-24 MP-25 MP-26 PA-6 PA-22 PA-23 */
static void vma_matches_prepare(struct kunit *test)
{
	struct mapping_fixture fx;
	struct vm_area_struct *vma;

	fixture_init(test, &fx);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	KUNIT_EXPECT_PTR_EQ(test, fx.file, vma->vm_file);
	/* The token for close. paged has neither. */
	KUNIT_EXPECT_PTR_EQ(test, fx.c->flags ? fx.region : NULL,
			    vma->vm_private_data);
	KUNIT_EXPECT_NOT_NULL(test, vma->vm_ops->fault);
	KUNIT_EXPECT_EQ(test, fx.c->flags, vma->vm_flags & VM_SPECIAL);
	KUNIT_EXPECT_FALSE(test, vma->vm_flags & VM_MAYEXEC);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(fx.region, MAPDEV_STAT_MAPPED));
}

/* ids: MP-23 */
static void mmap_refuses_past_end(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, REGION_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);

	KUNIT_EXPECT_EQ(test, -EINVAL,
			(long)fixture_map(test, file, PAGE_SIZE, REGION_SIZE,
					  PROT_READ));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(region, MAPDEV_STAT_MAPPED));
}

static bool is_mapped(struct mapping_fixture *fx, size_t offset)
{
	return fixture_is_present((unsigned long)fx->user + offset);
}

/* An eager mapping is populated before the first access, others are empty. */
/* ids: MP-32 MP-36 */
static void only_eager_is_populated(struct kunit *test)
{
	struct mapping_fixture fx;

	fixture_init(test, &fx);
	for (size_t offset = 0; offset < REGION_SIZE; offset += PAGE_SIZE)
		KUNIT_ASSERT_EQ(test, fx.c->eager, is_mapped(&fx, offset));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(fx.region, MAPDEV_STAT_FAULT));
}

/* A partial eager mapping starts with the page at its offset. */
/* ids: MP-36 */
static void partial_mmap_starts_at_offset(struct kunit *test)
{
	struct mapping_fixture fx;
	unsigned long addr;
	u8 byte;

	fixture_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)7, fx.user + 5 * PAGE_SIZE));
	addr = fixture_map(test, fx.file, 5 * PAGE_SIZE, 2 * PAGE_SIZE,
			   PROT_READ);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 7, byte);
}

/*
 * With map_pages set, fault() is called under the VMA lock alone (LK-54).
 * Fault-around of the driver maps an aligned range, as mm core does.
 */
/* ids: LK-54 PA-14 PA-48 */
static void fault_under_vma_lock(struct kunit *test)
{
	struct mapping_fixture fx;
	unsigned long addr;
	size_t offset, last;

	if (!IS_ENABLED(CONFIG_PER_VMA_LOCK))
		kunit_skip(test, "this kernel has no VMA lock");
	fixture_init(test, &fx);
	addr = ALIGN((unsigned long)fx.user, SZ_64K);
	offset = addr - (unsigned long)fx.user;
	last = ALIGN(addr + 1, AROUND) - (unsigned long)fx.user;
	last = fx.c->flags ? min(last, REGION_SIZE) - PAGE_SIZE : offset;

	/* Unmap what mmap has populated: now it is mapped by faults. */
	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	mapdev_region_restore(fx.region, MAPDEV_OFF_ROOT);
	KUNIT_ASSERT_FALSE(test, is_mapped(&fx, offset));
	KUNIT_EXPECT_FALSE(test, fixture_fault(test, addr, FAULT_FLAG_WRITE));
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(fx.region, MAPDEV_STAT_FAULT));
	KUNIT_EXPECT_TRUE(test, is_mapped(&fx, offset));
	/* All around is mapped, but paged does not allocate holes. */
	KUNIT_EXPECT_TRUE(test, is_mapped(&fx, last));
	if (!fx.c->flags)
		KUNIT_EXPECT_FALSE(test, is_mapped(&fx, offset + SZ_64K));

	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	KUNIT_EXPECT_FALSE(test, is_mapped(&fx, offset));
	KUNIT_EXPECT_TRUE(test, VM_FAULT_SIGBUS &
			  fixture_fault(test, addr, 0));
}

/*
 * A second mapping of paged is filled by map_pages, without fault(), also when
 * the page table exists. In that case, each large folio takes one fault().
 */
/* ids: LK-44 LK-66 LK-67 PA-41 */
static void read_maps_around(struct kunit *test)
{
	const struct { const char *attrs; u64 faults; } cases[] = {
		{ "granule=PAGE", 0 },
		{ "granule=65536", mapdev_max_granule() < SZ_64K ? 0 : 1 },
	};
	u8 byte;

	fixture_needs_map_pages(test);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mapdev_region *region;
		struct file *file;
		unsigned long addr, at;
		u64 faults;

		region = fixture_region_with(test, SZ_2M, cases[i].attrs);
		file = fixture_open(test, region, O_RDWR);
		addr = fixture_map(test, file, 0, SZ_2M, PROT_WRITE);
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
		KUNIT_ASSERT_EQ(test, 0, clear_user((u8 __user *)addr, SZ_2M));
		KUNIT_ASSERT_EQ(test, 0, vm_munmap(addr, SZ_2M));
		faults = mapdev_stat(region, MAPDEV_STAT_FAULT);

		addr = fixture_map(test, file, 0, SZ_2M, PROT_READ);
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
		/* Without THP, the mapping may be unaligned. */
		at = ALIGN(addr, SZ_64K);
		KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)at));
		KUNIT_EXPECT_EQ(test, 0, byte);
		KUNIT_EXPECT_TRUE(test, fixture_is_present(at + PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, faults,
				mapdev_stat(region, MAPDEV_STAT_FAULT));

		unmap_mapping_range(region->inode->i_mapping, 0, 0, 0);
		KUNIT_EXPECT_EQ(test, 0, get_user(byte, (u8 __user *)at));
		KUNIT_EXPECT_TRUE(test, fixture_is_present(at + PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, cases[i].faults,
				mapdev_stat(region, MAPDEV_STAT_FAULT) - faults);
		vm_munmap(addr, SZ_2M);
	}
}

/* ids: PA-30 ME-34 */
static void revoke_unmaps(struct kunit *test)
{
	struct mapping_fixture fx;
	u8 byte = 42;

	fixture_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 0, put_user(byte, fx.user));

	KUNIT_EXPECT_EQ(test, 0, mapdev_region_revoke(fx.region,
						      MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, -EFAULT, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, -EFAULT, put_user(byte, fx.user + PAGE_SIZE));

	KUNIT_EXPECT_EQ(test, 0, mapdev_region_restore(fx.region,
						       MAPDEV_OFF_ROOT));
	KUNIT_EXPECT_EQ(test, 0, get_user(byte, fx.user));
	KUNIT_EXPECT_EQ(test, 42, byte);
}

/* The entry is a PMD that maps the frames in order (ME-19, LK-59). */
/* ids: LK-43 LK-59 ME-19 ME-44 */
static void huge_fault_maps_frames(struct kunit *test)
{
	struct follow_pfnmap_args args = {};
	struct mapdev_region *region;
	struct file *file;
	unsigned long addr;
	u8 byte;

	fixture_needs_huge_frames(test);
	region = fixture_region_with(test, 2 * PMD_SIZE, "backing=contig");
	file = fixture_open(test, region, O_RDWR);
	addr = fixture_map(test, file, 0, 2 * PMD_SIZE, PROT_READ | PROT_WRITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	addr += PMD_SIZE + 3 * PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0, get_user(byte, (u8 __user *)addr));
	KUNIT_EXPECT_EQ(test, 0, byte);

	mmap_read_lock(current->mm);
	args.vma = vma_lookup(current->mm, addr);
	args.address = addr;
	KUNIT_ASSERT_EQ(test, 0, follow_pfnmap_start(&args));
	follow_pfnmap_end(&args);
	mmap_read_unlock(current->mm);
	KUNIT_EXPECT_EQ(test, PMD_MASK, args.addr_mask);
	KUNIT_EXPECT_EQ(test, region->pfn + (PMD_SIZE >> PAGE_SHIFT) + 3,
			args.pfn);
	KUNIT_EXPECT_TRUE(test, args.writable);
	KUNIT_EXPECT_TRUE(test, args.special);
	KUNIT_EXPECT_EQ(test, 1, mapdev_stat(region, MAPDEV_STAT_HUGE_FAULT));
	KUNIT_EXPECT_EQ(test, 0, mapdev_stat(region, MAPDEV_STAT_FAULT));
}

/* Each mapped or open is followed by one close. */
/* ids: LK-51 LK-53 */
static void open_and_close_balance(struct kunit *test)
{
	struct mapping_fixture fx;

	fixture_init(test, &fx);
	/* Unmap a page in the middle: two splits, and one part is closed. */
	KUNIT_ASSERT_EQ(test, 0,
			vm_munmap((unsigned long)fx.user + 2 * PAGE_SIZE,
				  PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0,
			vm_munmap((unsigned long)fx.user, REGION_SIZE));
	KUNIT_EXPECT_EQ(test, mapdev_stat(fx.region, MAPDEV_STAT_CLOSE),
			fx.c->flags ?
			mapdev_stat(fx.region, MAPDEV_STAT_MAPPED) +
			mapdev_stat(fx.region, MAPDEV_STAT_OPEN) : 0);
	KUNIT_EXPECT_EQ(test, fx.c->flags ? 2 : 0,
			mapdev_stat(fx.region, MAPDEV_STAT_OPEN));
}

/*
 * close is called even if mapped has failed or never run (D-4). Here a revoke
 * comes between mmap_prepare and mapped.
 */
/* ids: MP-12 MP-13 MP-40 LK-53 */
static void close_after_failed_mapped(struct kunit *test)
{
	const struct vm_operations_struct *ops;
	struct mapping_fixture fx;
	struct vm_area_struct vma = {};
	void *token = NULL;

	fixture_init(test, &fx);
	mmap_write_lock(current->mm);
	ops = vma_lookup(current->mm, (unsigned long)fx.user)->vm_ops;
	mapdev_region_revoke(fx.region, MAPDEV_OFF_ROOT);
	if (ops->close) {
		KUNIT_EXPECT_EQ(test, -ENODEV,
				ops->mapped(0, PAGE_SIZE, 0, fx.file, &token));
		KUNIT_EXPECT_NULL(test, token);
		vma.vm_mm = current->mm;
		ops->close(&vma);
		KUNIT_EXPECT_EQ(test, 0,
				mapdev_stat(fx.region, MAPDEV_STAT_CLOSE));
	}
	mmap_write_unlock(current->mm);
}

/* fault() returns a locked folio, so that a revoke waits for its entry. */
/* ids: LK-55 LK-56 */
static void fault_returns_locked_folio(struct kunit *test)
{
	struct mapping_fixture fx;
	vm_fault_t ret;

	fixture_init(test, &fx);
	mmap_read_lock(current->mm);
	{
		struct vm_fault vmf = {
			.vma		= vma_lookup(current->mm,
						     (unsigned long)fx.user),
			.address	= (unsigned long)fx.user,
		};

		ret = vmf.vma->vm_ops->fault(&vmf);
		KUNIT_EXPECT_TRUE(test, ret == VM_FAULT_LOCKED);
		if (vmf.page) {
			KUNIT_EXPECT_TRUE(test, PageLocked(vmf.page));
			if (ret == VM_FAULT_LOCKED)
				unlock_page(vmf.page);
			put_page(vmf.page);
		}
	}
	mmap_read_unlock(current->mm);
}

/*
 * The folios of paged are unevictable, and do not cross the end of the region.
 */
/* ids: LK-90 LK-92 */
static void folios_fill_region(struct kunit *test)
{
	struct mapdev_region *region;
	struct address_space *mapping;
	struct folio *folio;
	struct file *file;
	loff_t pos;
	u8 byte = 1;

	region = fixture_region_with(test, SZ_64K + PAGE_SIZE, "granule=65536");
	mapping = region->inode->i_mapping;
	file = fixture_open(test, region, O_RDWR);
	for (pos = 0; pos < SZ_64K + PAGE_SIZE; pos += PAGE_SIZE - 1)
		KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &pos));
	KUNIT_EXPECT_EQ(test, mapdev_pages(region), mapping->nrpages);
	KUNIT_EXPECT_TRUE(test, mapping_unevictable(mapping));

	folio = filemap_lock_folio(mapping, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_EQ(test, min(SZ_64K, mapdev_max_granule()), folio_size(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_uptodate(folio));
	folio_unlock(folio);
	folio_put(folio);
}

/* A region that goes drops its references: what is left is another's. */
/* ids: LK-92 */
static void eviction_drops_references(struct kunit *test)
{
	struct mapdev_region *region = fixture_region_with(test, PAGE_SIZE,
							   "granule=PAGE");
	struct file *file = fixture_open(test, region, O_RDWR);
	struct folio *folio;
	int references;
	loff_t pos = 0;
	u8 byte = 1;

	KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &pos));
	folio = filemap_get_folio(region->inode->i_mapping, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_EXPECT_PTR_EQ(test, region->inode->i_mapping, folio->mapping);
	references = folio_ref_count(folio);
	fixture_retire(test, region);
	KUNIT_EXPECT_NOT_NULL(test, folio->mapping);
	fixture_close(test, file);
	KUNIT_EXPECT_NULL(test, folio->mapping);
	KUNIT_EXPECT_GT(test, references, folio_ref_count(folio));
	folio_put(folio);
}

/* --- Private mappings --- */

static void write_page(struct kunit *test, struct file *file, u8 byte, loff_t pos)
{
	KUNIT_ASSERT_EQ(test, 1, kernel_write(file, &byte, 1, &pos));
}

static u8 __user *map_private(struct kunit *test, struct file *file,
			      unsigned long prot)
{
	unsigned long addr = kunit_vm_mmap(test, file, 0, 2 * PAGE_SIZE, prot,
					   MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return (u8 __user *)addr;
}

static void expect_byte(struct kunit *test, u8 want, u8 __user *user)
{
	u8 byte = ~want;

	KUNIT_EXPECT_EQ(test, 0, get_user(byte, user));
	KUNIT_EXPECT_EQ(test, want, byte);
}

/* Is the page at @user, which is present, a private copy? */
static bool is_copy(struct kunit *test, u8 __user *user)
{
	struct page *page = NULL;
	bool copy;

	guard(mmap_read_lock)(current->mm);
	KUNIT_EXPECT_EQ(test, 1, get_user_pages((unsigned long)user, 1, 0, &page));
	if (!page)
		return false;
	copy = PageAnon(page) && folio_test_swapbacked(page_folio(page));
	put_page(page);
	return copy;
}

/*
 * With an MMU, a private page is that of the file, and has what is written to it,
 * until the mapping itself writes. (Without one, it is a copy from the start.)
 */
/* ids: NM-4 NM-5 */
static void private_page_is_copied_at_write(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, 2 * PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);
	u8 __user *reader = map_private(test, file, PROT_READ);
	u8 __user *writer = map_private(test, file, PROT_READ | PROT_WRITE);

	for (u8 i = 1; i < 3; i++) {
		write_page(test, file, i, 0);
		expect_byte(test, i, reader);
		expect_byte(test, i, writer);
	}
	KUNIT_EXPECT_FALSE(test, is_copy(test, writer));

	KUNIT_EXPECT_EQ(test, 0, put_user((u8)7, writer));
	expect_byte(test, 2, reader);
	write_page(test, file, 3, 0);
	write_page(test, file, 3, PAGE_SIZE);
	expect_byte(test, 3, reader);
	expect_byte(test, 7, writer);
	expect_byte(test, 3, writer + PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, is_copy(test, writer));
	KUNIT_EXPECT_FALSE(test, is_copy(test, writer + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_copy(test, reader));
}

/* A revoke that does not wait is done in far less than half a second. */
static bool revoke_waits(struct revoker *revoker)
{
	return !wait_for_completion_timeout(&revoker->worker.done, HZ / 2);
}

/* A revoke waits for every fault that may have seen the region live. */
/* ids: LK-56 PA-37 */
static void revoke_waits_for_folio(struct kunit *test)
{
	struct revoker revoker;
	struct mapping_fixture fx;
	struct folio *folio;

	fixture_init(test, &fx);
	KUNIT_ASSERT_EQ(test, 0, put_user((u8)1, fx.user + REGION_SIZE - 1));
	folio = filemap_lock_folio(fx.region->inode->i_mapping,
				   mapdev_pages(fx.region) - 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	revoker_start(&revoker, fx.region);
	KUNIT_EXPECT_TRUE(test, revoke_waits(&revoker));
	folio_unlock(folio);
	folio_put(folio);
	revoker_end(&revoker);
}

/* ids: LK-56 PA-37 */
static void revoke_waits_for_new_folio(struct kunit *test)
{
	struct revoker revoker;
	struct mapping_fixture fx;

	fixture_init(test, &fx);
	filemap_invalidate_lock_shared(fx.region->inode->i_mapping);
	revoker_start(&revoker, fx.region);
	KUNIT_EXPECT_TRUE(test, revoke_waits(&revoker));
	filemap_invalidate_unlock_shared(fx.region->inode->i_mapping);
	revoker_end(&revoker);
}

/* ids: LK-65 PA-37 */
static void revoke_waits_for_rcu(struct kunit *test)
{
	struct revoker revoker;
	struct mapping_fixture fx;

	fixture_init(test, &fx);
	rcu_read_lock();
	revoker_start(&revoker, fx.region);
	mdelay(300);
	KUNIT_EXPECT_FALSE(test, completion_done(&revoker.worker.done));
	rcu_read_unlock();
	revoker_end(&revoker);
}

/* ids: LK-56 PA-37 */
static void revoke_waits_for_guard(struct kunit *test)
{
	struct mapdev_region *region =
		fixture_region_with(test, REGION_SIZE, "backing=pages");
	struct revoker revoker;

	percpu_down_read(&region->guard);
	revoker_start(&revoker, region);
	KUNIT_EXPECT_TRUE(test, revoke_waits(&revoker));
	percpu_up_read(&region->guard);
	revoker_end(&revoker);
}

/* The hooks warn if the locks that mm core holds are missing. */
/* ids: PA-1 PA-29 */
static void hooks_assert_locks(struct kunit *test)
{
	const struct vm_operations_struct *ops;
	struct mapping_fixture fx;
	struct vm_area_struct *vma;
	void *private = NULL;

	fixture_init(test, &fx);
	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)fx.user);
	mmap_read_unlock(current->mm);
	ops = vma->vm_ops;

	kunit_warning_suppress(test) {
		ops->mapped(vma->vm_start, vma->vm_end, 0, fx.file, &private);
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
	kunit_warning_suppress(test) {
		struct vm_fault vmf = {
			.vma		= vma,
			.address	= vma->vm_start,
		};

		/* An entry that fault() inserts is harmless. */
		if (ops->fault(&vmf) == VM_FAULT_LOCKED) {
			unlock_page(vmf.page);
			put_page(vmf.page);
		}
		KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, 1);
	}
}

static struct kunit_case mapping_cases[] = {
	KUNIT_CASE_PARAM(mapping_and_file_share_data, backing_gen_params),
	KUNIT_CASE_PARAM(new_region_is_zeroed, backing_gen_params),
	KUNIT_CASE_PARAM(vma_matches_prepare, backing_gen_params),
	KUNIT_CASE_PARAM(only_eager_is_populated, backing_gen_params),
	KUNIT_CASE_PARAM(partial_mmap_starts_at_offset, backing_gen_params),
	KUNIT_CASE_PARAM(open_and_close_balance, backing_gen_params),
	KUNIT_CASE_PARAM(close_after_failed_mapped, backing_gen_params),
	KUNIT_CASE(huge_fault_maps_frames),
	KUNIT_CASE(mmap_refuses_past_end),
	KUNIT_CASE_PARAM(fault_under_vma_lock, backing_gen_params),
	KUNIT_CASE(read_maps_around),
	KUNIT_CASE_PARAM(revoke_unmaps, backing_gen_params),
	KUNIT_CASE(fault_returns_locked_folio),
	KUNIT_CASE(folios_fill_region),
	KUNIT_CASE(eviction_drops_references),
	KUNIT_CASE(private_page_is_copied_at_write),
	KUNIT_CASE(revoke_waits_for_folio),
	KUNIT_CASE(revoke_waits_for_new_folio),
	KUNIT_CASE(revoke_waits_for_rcu),
	KUNIT_CASE(revoke_waits_for_guard),
	KUNIT_CASE_PARAM(hooks_assert_locks, backing_gen_params),
	{}
};

static struct kunit_suite mapping_suite = {
	.name		= "mapdev_mapping",
	.test_cases	= mapping_cases,
};

kunit_test_suite(mapping_suite);
