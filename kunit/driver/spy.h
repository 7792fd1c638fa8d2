/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A spy between core and the driver: the file of a region, each of whose hooks
 * notes which locks are held, and then does what the driver does.
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

/* What is held, and what else can be told of the VMA. */
#define SPY_MMAP_READ	BIT(0)
#define SPY_MMAP_WRITE	BIT(1)
#define SPY_VMA_READ	BIT(2)
#define SPY_VMA_WRITE	BIT(3)
#define SPY_ATTACHED	BIT(4)	/* the VMA is in the tree of its mm */
#define SPY_OTHER_MM	BIT(5)	/* its mm is not current->mm */
/* Only lockdep knows. */
#define SPY_RCU		(IS_ENABLED(CONFIG_PROVE_RCU) ? BIT(6) : 0)

/**
 * struct spy - a file of a region, and what its hooks saw
 * @region: the region
 * @file: its node, opened
 * @addr: where it is mapped, see spy_map()
 * @no_map_pages: map_pages is missing; to be set before the mapping is made
 * @pfn_mkwrite: there is a pfn_mkwrite, which returns @pfn_mkwrite_ret
 * @pfn_mkwrite_ret: 0 or VM_FAULT_NOPAGE
 * @found: whether mmap_prepare found a VMA at its address
 * @seen: for each hook how often it was called, and of the last call the locks
 *        and the flags of struct vm_fault
 *
 * There is one at a time. A case that maps it unmaps it before it ends.
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

/* Of a region, where its size does not matter. */
#define SPY_SIZE (16 * PAGE_SIZE)

/* A spy on a new region; and on one that the case's parameter describes. */
struct spy *spy_on(struct kunit *test, u64 size, const char *attrs);
struct spy *spy_on_param(struct kunit *test);

/* For KUNIT_ARRAY_PARAM(): one of each way to map. */
extern const char * const spy_backings[3];

/* Map all of it, shared, into this thread's mm; and unmap it. */
void spy_map(struct kunit *test, struct spy *spy);
void spy_unmap(struct spy *spy);

/* Forget what was seen. */
void spy_forget(struct spy *spy);

/* @hook was called this often, the last time with these locks. */
void spy_expect(struct kunit *test, const struct spy *spy, enum spy_hook hook,
		unsigned int calls, unsigned int locks);

#endif /* _MAPDEV_KUNIT_SPY_H */
