// SPDX-License-Identifier: GPL-2.0
/* Operations that create, protect and remove mappings. */
#include <sys/syscall.h>

#include "torture.h"

/* --- mmap --- */

enum { FIXED, NOREPLACE, ANYWHERE };

/* The arguments of mmap(), by the numbers of an operation. */
struct request {
	u32 place;
	u32 file;
	int prot;
	bool shared;
	bool populate;
	u32 count;
};

static struct request request_of(const struct op *op)
{
	static const u8 places[] = { FIXED, FIXED, FIXED, FIXED, FIXED,
				     NOREPLACE, ANYWHERE, ANYWHERE };
	static const u8 prots[] = { PROT_READ | PROT_WRITE, PROT_READ,
				    PROT_READ | PROT_WRITE, PROT_NONE,
				    PROT_READ | PROT_WRITE, PROT_READ,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE };
	struct request r = {
		.place = places[op->how % 8],
		.file = (op->how >> 3) % 8 == 7 ? RO : RW,
		.prot = prots[(op->how >> 6) % 8],
		.shared = (op->how >> 9) % 4 != 3,
		.count = cut_range(op),
	};

	/* Populating a private mapping would copy it. */
	r.populate = r.shared && (op->how >> 11) % 8 == 7;
	if ((op->how >> 14) % 64 == 63)
		r.prot |= PROT_EXEC;
	return r;
}

/* mm core refuses these and changes nothing. */
static int refused_early(const struct model *m, const struct op *op,
			 const struct request *r)
{
	if (m->procs[op->proc].file[r->file].fd < 0)
		return -EBADF;
	if (r->place == NOREPLACE &&
	    !is_free(m, op->proc, op->page, r->count))
		return -EEXIST;
	if (r->shared && r->prot & PROT_WRITE && r->file == RO)
		return -EACCES;
	return 0;
}

/* mapdev refuses these, in this order; the old mapping is gone by then. */
static int refused(const struct model *m, const struct op *op,
		   const struct request *r)
{
	if (!file_live(m, &m->procs[op->proc].file[r->file]))
		return -ENODEV;
	if (op->index + r->count > m->pages)
		return -EINVAL;
	if (r->prot & PROT_EXEC)
		return -EPERM;
	if (!r->shared && m->column != PAGED)
		return -EINVAL;
	return 0;
}

static void map_pages(struct model *m, const struct op *op,
		      const struct request *r)
{
	struct mpage *pages = m->procs[op->proc].pages;

	unmap_pages(m, op->proc, op->page, r->count);
	m->last_vma++;
	for (u32 i = 0; i < r->count; i++)
		pages[op->page + i] = (struct mpage) {
			.vma = m->last_vma,
			.index = op->index + i,
			.gen = m->gen,
			.prot = r->prot,
			.shared = r->shared,
			.maywrite = !r->shared || r->file == RW,
		};
}

static void call_mmap(struct model *m, const struct op *op,
		      const struct request *r)
{
	const struct command *c = command_of(m, op);
	int flags = r->shared ? MAP_SHARED : MAP_PRIVATE;
	void *place = page_address(op->page);

	if (r->place == FIXED)
		flags |= MAP_FIXED;
	else if (r->place == NOREPLACE)
		flags |= MAP_FIXED_NOREPLACE;
	else
		place = NULL;
	if (r->populate)
		flags |= MAP_POPULATE;
	call(m, op, __NR_mmap, place, r->count * PAGE, (long)r->prot,
	     (long)flags, (long)m->procs[op->proc].file[r->file].fd,
	     op->index * PAGE);
	if (r->place != ANYWHERE || c->err)
		return;
	/* Move it into the arena, which is all that the model knows. */
	call(m, op, __NR_mremap, c->ret, r->count * PAGE, r->count * PAGE,
	     (long)(MREMAP_MAYMOVE | MREMAP_FIXED), page_address(op->page), 0L);
}

void do_mmap(struct model *m, const struct op *op)
{
	struct request r = request_of(op);
	int err = refused_early(m, op, &r);
	bool asked = !err;

	if (asked)
		err = refused(m, op, &r);
	call_mmap(m, op, &r);
	expect_address(m, op, "mmap", err, op->page);

	if (asked && m->procs[op->proc].file[r.file].gen == m->gen)
		m->counter[PREPARE]++;
	if (!err) {
		m->counter[MAPPED]++;
		map_pages(m, op, &r);
	} else if (asked && r.place == FIXED) {
		unmap_pages(m, op->proc, op->page, r.count);
	}
}

/* --- munmap, mprotect --- */

void do_munmap(struct model *m, const struct op *op)
{
	u32 count = cut_range(op);

	call(m, op, __NR_munmap, page_address(op->page), count * PAGE, 0L, 0L, 0L, 0L);
	SAME(m, "munmap", 0, command_of(m, op)->err);
	unmap_pages(m, op->proc, op->page, count);
}

/* mprotect() changes one mapping after another, up to a refusal or a hole. */
void do_mprotect(struct model *m, const struct op *op)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ,
				     PROT_READ | PROT_WRITE, PROT_NONE };
	struct mpage *pages = m->procs[op->proc].pages;
	int prot = prots[op->how % 4], err = 0;
	u32 count = cut_range(op), page = op->page, end = page + count;

	if ((op->how >> 2) % 16 == 15)
		prot |= PROT_EXEC;
	call(m, op, __NR_mprotect, page_address(page), count * PAGE, (long)prot, 0L, 0L,
	     0L);
	while (!err && page < end) {
		u32 run = run_length(m, op->proc, page, end - page);

		if (!run)
			err = -ENOMEM;
		else if (prot & PROT_EXEC ||
			 (prot & PROT_WRITE && !pages[page].maywrite))
			err = -EACCES;
		if (err)
			break;
		if (pages[page].prot != prot) {
			split_at(m, op->proc, page);
			split_at(m, op->proc, page + run);
		}
		for (; run; run--)
			pages[page++].prot = prot;
	}
	SAME(m, "mprotect", err, command_of(m, op)->err);
}
