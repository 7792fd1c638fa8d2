/* SPDX-License-Identifier: GPL-2.0 */
/* Between paged.c, which maps folios, and folios.c, which has them. */
#ifndef _MAPDEV_FOLIOS_H
#define _MAPDEV_FOLIOS_H

int mapdev_folios_alloc(struct mapdev_region *region);
struct folio *mapdev_folio_find(struct mapdev_region *region, pgoff_t index,
				fgf_t how);
struct folio *mapdev_folio_make(struct mapdev_region *region, pgoff_t index,
				struct vm_area_struct *vma, unsigned long addr,
				bool *raw);
struct folio *mapdev_folio_lock(struct mapdev_region *region, pgoff_t index);
pgoff_t mapdev_folio_next(struct mapdev_region *region, pgoff_t index,
			  pgoff_t end);
void mapdev_folio_put(struct folio *folio);
ssize_t mapdev_folios_copy(struct mapdev_region *region, loff_t pos,
			   struct iov_iter *iter);

#endif /* _MAPDEV_FOLIOS_H */
