// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of /dev/mapdev/NAME. What each takes and answers is said in
 * include/uapi/linux/mapdev.h.
 *
 * Each asks, in this order: may this file do it, may this task do it, is the
 * argument well-formed; and then region.c or resize.c, which know the state.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "attrs.h"
#include "dirty.h"
#include "ioctl.h"
#include "mapdev.h"
#include "region.h"
#include "resize.h"

/* Programs of any age and word size pass the same bytes. */
static_assert(sizeof(struct mapdev_info) == 64);
static_assert(sizeof(struct mapdev_discard) == 24);
static_assert(sizeof(struct mapdev_resize) == 16);

/* The beginning of every structure. */
struct mapdev_header {
	u32 size;
	u32 flags;
};

/*
 * Read a structure whose first version has @size bytes into @args. Returns how
 * many the caller has, or an errno.
 */
static ssize_t read_args(void *args, size_t size, const void __user *arg)
{
	const struct mapdev_header *header = args;
	u32 user_size;
	int err;

	if (get_user(user_size, (const u32 __user *)arg))
		return -EFAULT;
	if (user_size < size)
		return -EINVAL;
	/* No later version is that long: do not read all of it. */
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(args, size, arg, user_size);
	if (err)
		return err;
	if (header->flags)
		return -EINVAL;
	return user_size;
}

/* Only a writable file may change the region. */
static int may_write(const struct file *file)
{
	return file->f_mode & FMODE_WRITE ? 0 : -EBADF;
}

/* Only the administrator may take a region from other programs. */
static int may_control(const struct file *file)
{
	int err = may_write(file);

	if (err)
		return err;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* INFO works without the capability: do not audit its absence. */
static bool may_see_phys(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RAWIO);
}

static long ioctl_info(struct mapdev_region *region, void __user *arg)
{
	const struct mapdev_attrs *attrs = &region->attrs;
	struct mapdev_info info;
	ssize_t size;

	size = read_args(&info, sizeof(info), arg);
	if (size < 0)
		return size;

	info = (struct mapdev_info) {
		.size		= size,
		.length		= mapdev_size(region),
		.granule	= attrs->granule,
		.dirty_unit	= attrs->dirty ? attrs->granule : 0,
		.phys_addr	= may_see_phys() ? mapdev_phys_addr(region) : 0,
		.backing	= attrs->backing->type,
		.state		= mapdev_region_state(region),
		.map		= attrs->eager ? MAPDEV_EAGER : MAPDEV_DEMAND,
		.cache		= attrs->cache,
		.attributes	= mapdev_attrs_bits(attrs),
		.numa_node	= attrs->numa_node,
	};
	return copy_struct_to_user(arg, size, &info, sizeof(info), NULL);
}

static long ioctl_dirty(struct mapdev_region *region, void __user *arg)
{
	struct mapdev_dirty dirty;
	ssize_t size;

	size = read_args(&dirty, sizeof(dirty), arg);
	if (size < 0)
		return size;
	/* It may have changed meanwhile. */
	dirty.size = size;
	return mapdev_dirty_collect(region, &dirty, arg);
}

static long ioctl_discard(struct mapdev_region *region, void __user *arg)
{
	struct mapdev_discard discard;
	ssize_t size;

	if (region->attrs.ro)
		return -EACCES;
	size = read_args(&discard, sizeof(discard), arg);
	if (size < 0)
		return size;
	return mapdev_region_discard(region, discard.offset, discard.length);
}

static long ioctl_resize(struct mapdev_region *region, void __user *arg)
{
	struct mapdev_resize resize;
	ssize_t size;

	size = read_args(&resize, sizeof(resize), arg);
	if (size < 0)
		return size;
	return mapdev_region_resize(region, resize.length);
}

/* These have no argument yet, so that a later version may have one. */
static long ioctl_revoke(struct mapdev_region *region, unsigned long arg)
{
	return arg ? -EINVAL : mapdev_region_revoke(region, MAPDEV_OFF_ROOT);
}

static long ioctl_restore(struct mapdev_region *region, unsigned long arg)
{
	return arg ? -EINVAL : mapdev_region_restore(region, MAPDEV_OFF_ROOT);
}

long mapdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct mapdev_region *region = file->private_data;
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case MAPDEV_IOC_INFO:
		return ioctl_info(region, user);
	case MAPDEV_IOC_DIRTY:
		return may_write(file) ?: ioctl_dirty(region, user);
	case MAPDEV_IOC_DISCARD:
		return may_write(file) ?: ioctl_discard(region, user);
	case MAPDEV_IOC_RESIZE:
		return may_control(file) ?: ioctl_resize(region, user);
	case MAPDEV_IOC_REVOKE:
		return may_control(file) ?: ioctl_revoke(region, arg);
	case MAPDEV_IOC_RESTORE:
		return may_control(file) ?: ioctl_restore(region, arg);
	default:
		return -ENOTTY;
	}
}
