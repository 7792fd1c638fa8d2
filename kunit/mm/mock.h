/* SPDX-License-Identifier: GPL-2.0 */
/* A driver that fails where a case tells it to. */
#ifndef _MM_KUNIT_MOCK_H
#define _MM_KUNIT_MOCK_H

#include "fixture.h"

/**
 * struct mock_driver - what the hooks do, and what they saw
 * @file: the file to map, see mock_open()
 * @under: the file that the hooks map instead, if any
 * @mapped_err: what mapped returns
 * @override: the error_override of the action
 * @bad_page: the action maps a page that mm core refuses
 * @hide: hide the mapping from rmap until the action is complete
 * @hidden: mapped found the rmap locked for writing
 * @keep_vm_ops: mmap_prepare keeps the vm_ops that mm core has set
 * @token: private_data of the next mapping
 * @desc: the descriptor as mmap_prepare got it
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
	bool hide;
	bool hidden;
	bool keep_vm_ops;
	void *token;
	struct vm_area_desc desc;
	unsigned int prepared;
	unsigned int mapped;
	unsigned int closed;
};

/* The hooks are mmap_prepare; mmap; mmap of the lower file; both; or none. */
extern const struct file_operations mock_fops;
extern const struct file_operations mock_legacy_fops;
extern const struct file_operations mock_stacked_fops;
extern const struct file_operations mock_both_fops;
extern const struct file_operations mock_neither_fops;

struct mock_driver *mock_open(struct kunit *test,
			      const struct file_operations *fops);

/* Map @pages shared, from page @pgoff. Returns an address or an errno. */
unsigned long mock_map(struct kunit *test, struct mock_driver *driver,
		       unsigned long addr, pgoff_t pgoff, unsigned long pages);

/* Is there a writer, so that no page table can be reached by @mapping? */
bool mock_rmap_is_locked(struct address_space *mapping);

/* Is @addr mapped? */
bool mock_is_mapped(unsigned long addr);

#endif /* _MM_KUNIT_MOCK_H */
