// SPDX-License-Identifier: GPL-2.0
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "take.h"

/*
 * mm core cannot isolate every pageblock, and wants the folio on the LRU, where a
 * new one is not yet: try one page after another.
 */
void take_frame(struct address_space *mapping, struct taken *taken)
{
	taken->err = -EBUSY;
	for (pgoff_t i = 0; i < TAKE_PAGES && taken->err == -EBUSY; i++) {
		struct folio *folio = filemap_get_folio(mapping, i);

		if (IS_ERR(folio))
			continue;
		taken->index = i;
		taken->pfn = folio_pfn(folio);
		folio_put(folio);
		taken->err = alloc_contig_range(taken->pfn, taken->pfn + 1,
						ACR_FLAGS_NONE, GFP_KERNEL);
	}
}

void put_frame(const struct taken *taken)
{
	free_contig_range(taken->pfn, 1);
}
