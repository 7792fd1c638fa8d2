/* SPDX-License-Identifier: GPL-2.0 */
/* Between ram.c, which maps pages, and pages.c, which has them. */
#ifndef _MAPDEV_PAGES_H
#define _MAPDEV_PAGES_H

int mapdev_pages_alloc(struct mapdev_region *region);
int mapdev_vmalloc_alloc(struct mapdev_region *region);
int mapdev_contig_pin_alloc(struct mapdev_region *region);
void mapdev_pages_put(struct mapdev_region *region);
void mapdev_vmalloc_free(struct mapdev_region *region);
ssize_t mapdev_pages_copy(struct mapdev_region *region, loff_t pos,
			  struct iov_iter *iter);

#endif /* _MAPDEV_PAGES_H */
