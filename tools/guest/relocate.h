/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program of nolibc is linked as if it were loaded at 0, and without an MMU it
 * is loaded anywhere. There is no dynamic linker, so it adds the difference to its
 * own pointers: the first thing that main() does.
 */
#ifndef _MAPDEV_GUEST_RELOCATE_H
#define _MAPDEV_GUEST_RELOCATE_H

#include <linux/elf.h>

#define GUEST_HIDDEN	__attribute__((visibility("hidden")))

struct guest_dynamic {
	long tag;
	unsigned long value;
};

extern const struct guest_dynamic _DYNAMIC[] GUEST_HIDDEN;
extern char __ehdr_start[] GUEST_HIDDEN;

/* All relocations of such a program are of the one kind: base plus addend. */
static inline void relocate(void)
{
	const struct elf64_rela *rela = NULL;
	unsigned long bytes = 0;

	for (const struct guest_dynamic *d = _DYNAMIC; d->tag != DT_NULL; d++) {
		if (d->tag == DT_RELA)
			rela = (void *)(__ehdr_start + d->value);
		if (d->tag == DT_RELASZ)
			bytes = d->value;
	}
	for (unsigned long i = 0; rela && i < bytes / sizeof(*rela); i++)
		*(unsigned long *)(__ehdr_start + rela[i].r_offset) =
			(unsigned long)__ehdr_start + rela[i].r_addend;
	__asm__ __volatile__("" : : : "memory");
}

#endif /* _MAPDEV_GUEST_RELOCATE_H */
