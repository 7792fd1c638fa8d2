// SPDX-License-Identifier: GPL-2.0
/* All kinds of mremap(2), each on a single mapping. */
#include <sys/syscall.h>

#include "torture.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void call_mremap(struct model *m, const struct op *op, u32 old, u32 new,
			int flags, u32 to)
{
	call(m, op, __NR_mremap, page_address(op->page), old * PAGE, new * PAGE,
	     (long)flags, page_address(to), 0L);
}

/* The destination of @count pages: the other page of the operation. */
static u32 destination(const struct op *op, u32 count)
{
	u32 to = op->index % ARENA_PAGES;

	return to + count <= ARENA_PAGES ? to : ARENA_PAGES - count;
}

static bool overlap(u32 a, u32 a_count, u32 b, u32 b_count)
{
	return a < b + b_count && b < a + a_count;
}

/* Map @new pages at @to like those at @from, and move @old pages there. */
static void move_pages(struct model *m, u32 proc, u32 from, u32 old, u32 to,
		       u32 new, bool leave)
{
	struct mpage *pages = m->procs[proc].pages;
	struct mpage first = pages[from];

	unmap_pages(m, proc, to, new);
	m->last_vma++;
	for (u32 i = 0; i < new; i++) {
		pages[to + i].vma = m->last_vma;
		if (i < old) {
			move_page(m, proc, to + i, from + i);
			continue;
		}
		pages[to + i] = first;
		pages[to + i].vma = m->last_vma;
		pages[to + i].index = first.index + i;
		pages[to + i].guard = false;
		pages[to + i].copied = false;
	}
	if (!leave) {
		unmap_pages(m, proc, from, old);
		return;
	}
	/* The entries are gone, and with them guards and private copies. */
	for (u32 i = 0; i < old; i++) {
		pages[from + i].guard = false;
		pages[from + i].copied = false;
	}
}

/* Move to another place, with the same size, larger or smaller. */
void do_move(struct model *m, const struct op *op)
{
	u32 old = run_length(m, op->proc, op->page, cut_range(op)), new, to;
	bool hole = !old;
	int err = 0;

	if (hole)
		old = 1;
	new = old;
	if (!hole && op->how % 4 == 2 && old > 1)
		new = old / 2;
	else if (!hole && op->how % 4 == 3 && old + 9 < ARENA_PAGES)
		new = old + 1 + (op->how >> 2) % 8;
	to = destination(op, new);

	if (overlap(op->page, old, to, new))
		err = -EINVAL;
	else if (hole || (new > old && m->column != PAGED))
		err = -EFAULT;
	call_mremap(m, op, old, new, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	expect_address(m, op, "mremap", err, to);
	if (err)
		return;
	if (new < old) {
		unmap_pages(m, op->proc, op->page + new, old - new);
		old = new;
	}
	move_pages(m, op->proc, op->page, old, to, new, false);
}

/* In place: shrink, or grow if there is room behind. */
void do_resize_mapping(struct model *m, const struct op *op)
{
	struct mpage *pages = m->procs[op->proc].pages;
	u32 old = run_length(m, op->proc, op->page, cut_range(op)), new;
	int err = 0;

	if (!old)
		return;
	new = op->how % 2 ? (old + 1) / 2 : old + 1 + (op->how >> 1) % 16;
	if (op->page + new > ARENA_PAGES)
		new = old;
	if (new > old && m->column != PAGED)
		err = -EFAULT;
	else if (new > old && !is_free(m, op->proc, op->page + old, new - old))
		err = -ENOMEM;
	call_mremap(m, op, old, new, 0, 0);
	expect_address(m, op, "mremap in place", err, op->page);
	if (err)
		return;
	if (new < old)
		unmap_pages(m, op->proc, op->page + new, old - new);
	for (u32 i = old; i < new; i++) {
		pages[op->page + i] = pages[op->page];
		pages[op->page + i].vma = pages[op->page + old - 1].vma;
		pages[op->page + i].index += i;
		pages[op->page + i].guard = false;
		pages[op->page + i].copied = false;
	}
}

/* mremap() with an old size of 0 duplicates. */
void do_duplicate(struct model *m, const struct op *op)
{
	const struct mpage *p = &m->procs[op->proc].pages[op->page];
	u32 count = run_length(m, op->proc, op->page, cut_range(op)), to;
	int err = 0;

	if (!count)
		return;
	to = destination(op, count);
	/* The destination is unmapped first. */
	if (overlap(op->page, 1, to, count))
		return;
	if (!p->shared)
		err = -EINVAL;
	else if (m->column != PAGED)
		err = -EFAULT;
	call_mremap(m, op, 0, count, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	expect_address(m, op, "mremap with old size 0", err, to);
	if (!err)
		move_pages(m, op->proc, op->page, 0, to, count, true);
}

void do_dontunmap(struct model *m, const struct op *op)
{
	u32 count = run_length(m, op->proc, op->page, cut_range(op)), to;
	int err = 0;

	if (!count)
		return;
	to = destination(op, count);
	if (overlap(op->page, count, to, count))
		err = -EINVAL;
	else if (m->column != PAGED)
		err = -EINVAL;
	call_mremap(m, op, count, count,
		    MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
	expect_address(m, op, "mremap with DONTUNMAP", err, to);
	if (!err)
		move_pages(m, op->proc, op->page, count, to, count, true);
}
