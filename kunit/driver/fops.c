// SPDX-License-Identifier: GPL-2.0
/*
 * Which file operations a region has, and that everything else of its node
 * belongs to the file system.
 */
#include <linux/fs.h>
#include <linux/module.h>

#include "file.h"
#include "fixture.h"

/* A mappable char device needs these, and no operations of other files. */
/* ids: LK-11 LK-12 LK-13 LK-14 LK-15 LK-16 LK-17 LK-18 LK-19 LK-20 LK-21 */
/* ids: LK-22 LK-23 LK-24 LK-25 LK-26 LK-27 LK-28 LK-29 LK-30 LK-31 LK-32 */
/* ids: LK-33 LK-34 LK-35 LK-36 */
static void node_has_file_operations(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);
	const struct file_operations *ops = file->f_op;

	KUNIT_EXPECT_NOT_NULL(test, ops->llseek);
	KUNIT_EXPECT_NOT_NULL(test, ops->read_iter);
	KUNIT_EXPECT_NOT_NULL(test, ops->write_iter);
	KUNIT_EXPECT_NOT_NULL(test, ops->poll);
	KUNIT_EXPECT_NOT_NULL(test, ops->unlocked_ioctl);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_COMPAT), !!ops->compat_ioctl);
	KUNIT_EXPECT_NOT_NULL(test, ops->mmap_prepare);
	KUNIT_EXPECT_NOT_NULL(test, ops->open);
	KUNIT_EXPECT_NOT_NULL(test, ops->release);
	KUNIT_EXPECT_NOT_NULL(test, ops->fsync);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ||
			!IS_ENABLED(CONFIG_MMU), !!ops->get_unmapped_area);
	KUNIT_EXPECT_NOT_NULL(test, ops->splice_read);
	KUNIT_EXPECT_NOT_NULL(test, ops->splice_write);
	KUNIT_EXPECT_NOT_NULL(test, ops->show_fdinfo);

	KUNIT_EXPECT_NULL(test, ops->read);
	KUNIT_EXPECT_NULL(test, ops->write);
	KUNIT_EXPECT_NULL(test, ops->iopoll);
	KUNIT_EXPECT_NULL(test, ops->iterate_shared);
	KUNIT_EXPECT_NULL(test, ops->mmap);
	KUNIT_EXPECT_NULL(test, ops->flush);
	KUNIT_EXPECT_NULL(test, ops->fasync);
	KUNIT_EXPECT_NULL(test, ops->check_flags);
	KUNIT_EXPECT_NULL(test, ops->fallocate);
	KUNIT_EXPECT_NULL(test, ops->copy_file_range);
	KUNIT_EXPECT_NULL(test, ops->remap_file_range);
	KUNIT_EXPECT_NULL(test, ops->fadvise);
	KUNIT_EXPECT_NULL(test, ops->uring_cmd);
	KUNIT_EXPECT_NULL(test, ops->uring_cmd_iopoll);
	KUNIT_EXPECT_NULL(test, ops->splice_eof);
}

/* Locks, leases and directories are left to the VFS. */
/* ids: LK-26 LK-O7 LK-O8 LK-O12 */
static void node_leaves_file_locks_to_vfs(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);

	KUNIT_EXPECT_NULL(test, file->f_op->lock);
	KUNIT_EXPECT_NULL(test, file->f_op->flock);
	KUNIT_EXPECT_NULL(test, file->f_op->setlease);
	KUNIT_EXPECT_NULL(test, file->f_op->iterate_shared);
}

static bool is_in_module(const struct module *owner, const void *table)
{
	return within_module((unsigned long)table, owner);
}

/* Dentry, inode, xattrs and superblock belong to the file system. */
/* ids: LK-O1 LK-O2 LK-O3 LK-O4 LK-O5 LK-O6 LK-O9 LK-O10 LK-O11 */
static void node_belongs_to_devtmpfs(struct kunit *test)
{
	struct mapdev_region *region = fixture_region(test, PAGE_SIZE);
	struct file *file = fixture_open(test, region, O_RDWR);
	const struct module *owner = file->f_op->owner;
	struct inode *inode = file_inode(file);
	struct super_block *sb = inode->i_sb;

	KUNIT_ASSERT_NOT_NULL(test, owner);
	KUNIT_EXPECT_TRUE(test, is_in_module(owner, file->f_op));
	KUNIT_EXPECT_TRUE(test, S_ISCHR(inode->i_mode));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, file->f_path.dentry->d_op));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, inode->i_op));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, inode->i_fop));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, inode->i_mapping->a_ops));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, sb->s_xattr));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, sb->s_op));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, sb->s_type));
	KUNIT_EXPECT_NULL(test, sb->s_bdev);
	/* The pages belong to an inode that no program can open. */
	KUNIT_EXPECT_PTR_EQ(test, region->inode->i_mapping, file->f_mapping);
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, region->inode->i_op));
	KUNIT_EXPECT_FALSE(test, is_in_module(owner, region->inode->i_sb->s_op));
	/* Its file system is not registered, so that nobody can mount it. */
	KUNIT_EXPECT_NULL(test,
			  get_fs_type(region->inode->i_sb->s_type->name));
	/* Of an address_space, the driver has what its pages need. */
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_MMU),
			is_in_module(owner, region->inode->i_mapping->a_ops));
}

static struct kunit_case fops_cases[] = {
	KUNIT_CASE(node_has_file_operations),
	KUNIT_CASE(node_leaves_file_locks_to_vfs),
	KUNIT_CASE(node_belongs_to_devtmpfs),
	{}
};

static struct kunit_suite fops_suite = {
	.name		= "mapdev_fops",
	.test_cases	= fops_cases,
};

kunit_test_suite(fops_suite);
