/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A spy between mm core and the driver: each hook records the locks that are
 * held, and then calls the hook of the driver.
 */
#ifndef _MAPDEV_KUNIT_SPY_H
#define _MAPDEV_KUNIT_SPY_H

#include "fixture.h"

enum spy_hook {
	SPY_GET_UNMAPPED_AREA,
	SPY_MMAP_PREPARE,
	SPY_MAPPED,
	SPY_OPEN,
	SPY_CLOSE,
	SPY_FAULT,
	SPY_HUGE_FAULT,
	SPY_MAP_PAGES,
	SPY_PAGE_MKWRITE,
	SPY_PFN_MKWRITE,
	SPY_ACCESS,
	SPY_NR_HOOKS
};

/* The locks that are held, and the state of the VMA. */
#define SPY_MMAP_READ	BIT(0)
#define SPY_MMAP_WRITE	BIT(1)
#define SPY_VMA_READ	BIT(2)
#define SPY_VMA_WRITE	BIT(3)
#define SPY_ATTACHED	BIT(4)	/* the VMA is in the tree of its mm */
#define SPY_OTHER_MM	BIT(5)	/* its mm is not current->mm */
/* Only lockdep can tell. */
#define SPY_RCU		(IS_ENABLED(CONFIG_PROVE_RCU) ? BIT(6) : 0)

/**
 * struct spy - a file of a region, and what its hooks saw
 * @region: the region
 * @file: its node, opened
 * @addr: the address of the mapping, see spy_map()
 * @no_map_pages: hide map_pages; set it before spy_map()
 * @pfn_mkwrite: add a pfn_mkwrite, which returns @pfn_mkwrite_ret
 * @pfn_mkwrite_ret: 0 or VM_FAULT_NOPAGE
 * @found: mmap_prepare found a VMA at its address
 * @seen: for each hook the number of calls, and of the last one the locks and
 *        the flags of struct vm_fault
 *
 * There is one at a time. A case has to spy_unmap() before it ends.
 */
struct spy {
	struct mapdev_region *region;
	struct file *file;
	unsigned long addr;
	bool no_map_pages;
	bool pfn_mkwrite;
	vm_fault_t pfn_mkwrite_ret;
	bool found;
	struct {
		unsigned int calls;
		unsigned int locks;
		unsigned int flags;
	} seen[SPY_NR_HOOKS];
};

/* The size of a region if it does not matter. */
#define SPY_SIZE (16 * PAGE_SIZE)

/* Spy on a new region, with @attrs or those of the parameter. */
struct spy *spy_on(struct kunit *test, u64 size, const char *attrs);
struct spy *spy_on_param(struct kunit *test);

/* For KUNIT_ARRAY_PARAM(): one backing for each way to map. */
extern const char * const spy_backings[3];

/* Map the whole region shared into current->mm, and unmap it. */
void spy_map(struct kunit *test, struct spy *spy);
void spy_unmap(struct spy *spy);

/* Reset the records. */
void spy_forget(struct spy *spy);

/* Expect @calls of @hook, the last one with @locks. */
void spy_expect(struct kunit *test, const struct spy *spy, enum spy_hook hook,
		unsigned int calls, unsigned int locks);

#endif /* _MAPDEV_KUNIT_SPY_H */
