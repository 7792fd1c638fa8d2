/* SPDX-License-Identifier: GPL-2.0 */
/* A given page frame, which mm core takes from a file: it moves or drops the folio. */
#ifndef _MM_KUNIT_TAKE_H
#define _MM_KUNIT_TAKE_H

#include <linux/fs.h>

/* Pages that lie in more than one pageblock. */
#define TAKE_PAGES (2048UL)

/**
 * struct taken - what was taken
 * @index: which page of the file the frame had
 * @pfn: the frame
 * @err: 0, or why there is none
 */
struct taken {
	pgoff_t index;
	unsigned long pfn;
	int err;
};

/* Take one of the first TAKE_PAGES frames of @mapping, all of them small folios. */
void take_frame(struct address_space *mapping, struct taken *taken);

/* Free it again. */
void put_frame(const struct taken *taken);

#endif /* _MM_KUNIT_TAKE_H */
