/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A driver that misbehaves where it is told to, for what core does then: no
 * region, but a file with hooks of its own.
 */
#ifndef _MM_KUNIT_MOCK_H
#define _MM_KUNIT_MOCK_H

#include "fixture.h"

/**
 * struct mock_driver - what it is to do, and what it was asked
 * @file: to be mapped, see mock_open()
 * @under: the file that it maps in place of its own, if any
 * @mapped_err: what mapped returns
 * @override: the error_override of the action
 * @bad_page: the action maps a page that cannot be
 * @keep_vm_ops: mmap_prepare leaves those that core has set
 * @token: private_data of the next mapping
 * @desc: as core handed it to mmap_prepare
 * @prepared: calls of mmap_prepare, or of mmap
 * @mapped: calls of mapped
 * @closed: calls of close
 */
struct mock_driver {
	struct file *file;
	struct file *under;
	int mapped_err;
	int override;
	bool bad_page;
	bool keep_vm_ops;
	void *token;
	struct vm_area_desc desc;
	unsigned int prepared;
	unsigned int mapped;
	unsigned int closed;
};

/* With mmap_prepare; with mmap; with mmap, by the file under it; and errors. */
extern const struct file_operations mock_fops;
extern const struct file_operations mock_legacy_fops;
extern const struct file_operations mock_stacked_fops;
extern const struct file_operations mock_both_fops;
extern const struct file_operations mock_neither_fops;

struct mock_driver *mock_open(struct kunit *test,
			      const struct file_operations *fops);

/* Map it, shared, from a page of it on; an address or an errno. */
unsigned long mock_map(struct kunit *test, struct mock_driver *driver,
		       unsigned long addr, pgoff_t pgoff, unsigned long pages);

/* Is there a mapping at this address? */
bool mock_is_mapped(unsigned long addr);

#endif /* _MM_KUNIT_MOCK_H */
