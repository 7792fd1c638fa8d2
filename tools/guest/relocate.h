/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A nolibc program is linked for address 0, but without an MMU it is loaded at any
 * address. There is no dynamic linker, so main() first adds the load address to the
 * program's own pointers.
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

/* Such a program has relocations of one kind only: base plus addend. */
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
