// SPDX-License-Identifier: GPL-2.0
/*
 * madvise(2): the errnos of Documentation/userspace-api/semantics.rst, and the effects.
 */
#include <sys/syscall.h>

#include "torture.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

/* Flags that an advice leaves on a mapping, besides F_NO_FORK. */
enum {
	F_RANDOM	= 0x02,
	F_SEQUENTIAL	= 0x04,
	F_HUGE		= 0x08,
	F_SMALL		= 0x10,
	F_NO_DUMP	= 0x20,
};

/* The errno for each enum column, and the flags that are set and cleared. */
static const struct advice {
	const char *name;
	int advice;
	int err[3];
	u32 set, clear;
} advices[] = {
#define ADVICE(name, paged, ram, frames, ...) \
	{ #name, MADV_##name, { paged, ram, frames }, __VA_ARGS__ }
	ADVICE(NORMAL, 0, 0, 0, 0, F_RANDOM | F_SEQUENTIAL),
	ADVICE(RANDOM, 0, 0, 0, F_RANDOM, F_SEQUENTIAL),
	ADVICE(SEQUENTIAL, 0, 0, 0, F_SEQUENTIAL, F_RANDOM),
	ADVICE(WILLNEED, 0, 0, 0),
	ADVICE(DONTNEED, 0, 0, -EINVAL),
	ADVICE(DONTNEED, 0, 0, -EINVAL),
	ADVICE(DONTNEED_LOCKED, 0, 0, -EINVAL),
	ADVICE(FREE, -EINVAL, -EINVAL, -EINVAL),
	ADVICE(REMOVE, -ENODEV, -ENODEV, -ENODEV),
	ADVICE(DONTFORK, 0, 0, 0, F_NO_FORK),
	ADVICE(DOFORK, 0, -EINVAL, -EINVAL, 0, F_NO_FORK),
	ADVICE(WIPEONFORK, -EINVAL, -EINVAL, -EINVAL),
	ADVICE(KEEPONFORK, 0, 0, 0),
	ADVICE(MERGEABLE, 0, 0, 0),
	ADVICE(UNMERGEABLE, 0, 0, 0),
	ADVICE(HUGEPAGE, 0, 0, 0, F_HUGE, F_SMALL),
	ADVICE(NOHUGEPAGE, 0, 0, 0, F_SMALL, F_HUGE),
	ADVICE(COLLAPSE, -EINVAL, -EINVAL, -EINVAL),
	ADVICE(DONTDUMP, 0, 0, 0, F_NO_DUMP),
	ADVICE(DODUMP, 0, -EINVAL, -EINVAL, 0, F_NO_DUMP),
	ADVICE(COLD, 0, 0, -EINVAL),
	ADVICE(PAGEOUT, 0, 0, -EINVAL),
	ADVICE(POPULATE_READ, 0, 0, -EINVAL),
	ADVICE(POPULATE_WRITE, 0, 0, -EINVAL),
	ADVICE(GUARD_INSTALL, 0, -EINVAL, -EINVAL),
	ADVICE(GUARD_REMOVE, 0, -EINVAL, -EINVAL),
	ADVICE(GUARD_REMOVE, 0, -EINVAL, -EINVAL),
};

/* Populating for writing may mark the pages dirty. */
static int populate(struct model *m, u32 proc, u32 page, u32 count, bool write)
{
	struct mpage *p = &m->procs[proc].pages[page];

	if (!(p->prot & (write ? PROT_WRITE : PROT_READ)))
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		if (touch_signal(m, proc, page + i, write))
			return -EFAULT;
		if (!write)
			continue;
		copy_page(m, proc, page + i);
		if (p[i].shared)
			mark(m, p[i].index, 1, MAYBE);
	}
	return 0;
}

static void set_flags(struct model *m, u32 proc, u32 page, u32 count,
		      const struct advice *a)
{
	struct mpage *p = &m->procs[proc].pages[page];
	u32 flags = (p->flags & ~a->clear) | a->set;

	/* Page frames are never dumped: the flag is always set. */
	if (m->column == FRAMES)
		flags &= ~F_NO_DUMP;
	if (flags == p->flags)
		return;
	split_at(m, proc, page);
	split_at(m, proc, page + count);
	for (u32 i = 0; i < count; i++)
		p[i].flags = flags;
}

/* All pages belong to one mapping. */
static int advise(struct model *m, u32 proc, u32 page, u32 count,
		  const struct advice *a)
{
	struct mpage *p = &m->procs[proc].pages[page];
	int err = a->err[m->column];

	/* mm core checks the write permission before the type of the file. */
	if (a->advice == MADV_REMOVE && (!p->shared || !p->maywrite))
		return -EACCES;
	if (err)
		return err;
	switch (a->advice) {
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return populate(m, proc, page, count,
				a->advice == MADV_POPULATE_WRITE);
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_GUARD_INSTALL:
		for (u32 i = 0; i < count; i++) {
			p[i].copied = false;
			if (a->advice == MADV_GUARD_INSTALL)
				p[i].guard = true;
		}
		return 0;
	case MADV_GUARD_REMOVE:
		for (u32 i = 0; i < count; i++)
			p[i].guard = false;
		return 0;
	default:
		set_flags(m, proc, page, count, a);
		return 0;
	}
}

void do_advise(struct model *m, const struct op *op)
{
	const struct advice *a = &advices[op->how % ARRAY_SIZE(advices)];
	u32 count = run_length(m, op->proc, op->page, cut_range(op));
	int err;

	call(m, op, __NR_madvise, ARENA + op->page * PAGE,
	     (count ?: 1) * PAGE, (long)a->advice, 0L, 0L, 0L);
	if (is_no_advice(a->advice))
		err = -EINVAL;
	else
		err = count ? advise(m, op->proc, op->page, count, a) : -ENOMEM;
	SAME(m, a->name, err, command_of(m, op)->err);
}
