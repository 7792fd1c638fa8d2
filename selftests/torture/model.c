// SPDX-License-Identifier: GPL-2.0
/* The model: bytes and log of a region, and the pages of the arenas. */
#include <stdarg.h>

#include "torture.h"

void wrong(struct model *m, const char *format, ...)
{
	va_list args;

	if (m->failed)
		return;
	m->failed = true;
	va_start(args, format);
	vsnprintf(m->why, sizeof(m->why), format, args);
	va_end(args);
}

/* --- The region --- */

bool is_live(const struct model *m, u32 gen)
{
	return gen == m->gen && !m->retired && !m->revoked;
}

bool file_live(const struct model *m, const struct mfile *file)
{
	return is_live(m, file->gen);
}

/* One operation in eight uses the read-only file. */
u32 pick_file(const struct op *op)
{
	return (op->how >> 16) % 8 == 7 ? RO : RW;
}

bool may_write(const struct model *m, const struct op *op)
{
	return pick_file(op) == RW && m->procs[op->proc].file[RW].fd >= 0;
}

bool may_change(const struct model *m, const struct op *op)
{
	return file_live(m, &m->procs[op->proc].file[pick_file(op)]);
}

/* Mark pages of the region; those known to be dirty stay so. */
void mark(struct model *m, u32 index, u32 count, enum mark how)
{
	if (!m->unit || !count)
		return;
	for (u32 i = index / m->unit; i <= (index + count - 1) / m->unit; i++)
		if (i < MAX_PAGES && m->log[i] < how)
			m->log[i] = how;
}

void zero_pages(struct model *m, u32 first, u32 end)
{
	if (end > first)
		memset(m->shared->data + first * PAGE, 0, (end - first) * PAGE);
}

/* --- One page of an arena --- */

/* Return the signal that a touch raises, or 0. */
int touch_signal(const struct model *m, u32 proc, u32 page, bool write)
{
	const struct mpage *p = &m->procs[proc].pages[page];

	if (!p->vma || !(p->prot & (write ? PROT_WRITE : PROT_READ)))
		return SIGSEGV;
	if (p->guard)
		return SIGSEGV;
	if (p->copied)
		return 0;
	return is_live(m, p->gen) && p->index < m->pages ? 0 : SIGBUS;
}

/* The bytes that a touch finds, if it raises no signal. */
u8 *bytes_at(struct model *m, u32 proc, u32 page)
{
	const struct mpage *p = &m->procs[proc].pages[page];

	if (p->copied)
		return m->shared->copies[proc][page];
	return m->shared->data + p->index * PAGE;
}

/* Is page @index of the region mapped here? */
bool is_region_page(const struct model *m, u32 proc, u32 page, u32 index)
{
	const struct mpage *p = &m->procs[proc].pages[page];

	return p->vma && !p->copied && p->gen == m->gen && p->index == index;
}

/* Copy a private page at its first write. */
void copy_page(struct model *m, u32 proc, u32 page)
{
	struct mpage *p = &m->procs[proc].pages[page];

	if (p->shared || p->copied)
		return;
	memcpy(m->shared->copies[proc][page], bytes_at(m, proc, page), PAGE);
	p->copied = true;
}

/* Record a write by a program. */
void put_bytes(struct model *m, u32 proc, u32 page, u32 offset, const u8 *buf,
	       u32 length)
{
	struct mpage *p = &m->procs[proc].pages[page];

	copy_page(m, proc, page);
	memcpy(bytes_at(m, proc, page) + offset, buf, length);
	if (p->shared)
		mark(m, p->index, 1, DIRTY);
}

/* --- Ranges of an arena --- */

/* The pages of an operation that are within the arena; at least one. */
u32 cut_range(const struct op *op)
{
	u32 room = ARENA_PAGES - op->page;

	return op->count < room ? op->count : room;
}

bool is_free(const struct model *m, u32 proc, u32 page, u32 count)
{
	for (u32 i = page; i < page + count; i++)
		if (m->procs[proc].pages[i].vma)
			return false;
	return true;
}

/* Split the mapping at @page, if one spans it. */
void split_at(struct model *m, u32 proc, u32 page)
{
	struct mpage *pages = m->procs[proc].pages;
	u32 vma;

	if (!page || page >= ARENA_PAGES || !pages[page].vma ||
	    pages[page].vma != pages[page - 1].vma)
		return;
	vma = pages[page].vma;
	m->last_vma++;
	while (page < ARENA_PAGES && pages[page].vma == vma)
		pages[page++].vma = m->last_vma;
}

void unmap_pages(struct model *m, u32 proc, u32 page, u32 count)
{
	struct mpage *pages = m->procs[proc].pages;

	split_at(m, proc, page);
	split_at(m, proc, page + count);
	memset(&pages[page], 0, count * sizeof(*pages));
}

/* Move a page, but not its mapping; the old page is left as it is. */
void move_page(struct model *m, u32 proc, u32 to, u32 from)
{
	struct mpage *pages = m->procs[proc].pages;
	u32 vma = pages[to].vma;

	pages[to] = pages[from];
	pages[to].vma = vma;
	if (pages[to].copied)
		memcpy(m->shared->copies[proc][to],
		       m->shared->copies[proc][from], PAGE);
}

/* The number of pages from @page on, up to @count, that belong to one mapping. */
u32 run_length(const struct model *m, u32 proc, u32 page, u32 count)
{
	const struct mpage *pages = m->procs[proc].pages;
	u32 n = 0;

	if (!pages[page].vma)
		return 0;
	while (n < count && page + n < ARENA_PAGES &&
	       pages[page + n].vma == pages[page].vma)
		n++;
	return n;
}

/* The number of mappings of the present region, if none ever merge. */
u32 count_vmas(const struct model *m, u32 proc)
{
	const struct mpage *pages = m->procs[proc].pages;
	u32 count = 0;

	for (u32 i = 0; i < ARENA_PAGES; i++)
		count += pages[i].vma && pages[i].gen == m->gen &&
			 (!i || pages[i - 1].vma != pages[i].vma);
	return count;
}
