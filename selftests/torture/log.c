// SPDX-License-Identifier: GPL-2.0
/* The dirty log: it reports exactly the written units. */
#include "torture.h"

struct answer {
	bool is[MAX_PAGES];	/* units */
	u64 end;
};

/* Runs are in order, do not touch, and consist of whole units. */
static void add_runs(struct model *m, struct answer *a,
		     const struct mapdev_run *runs, u32 count)
{
	u64 unit = m->unit * PAGE, size = m->pages * PAGE;

	for (u32 i = 0; i < count && !m->failed; i++) {
		u64 from = runs[i].offset, to = from + runs[i].length;

		if (from % unit || (to % unit && to != size) || to <= from ||
		    to > size || (a->end && from < a->end) ||
		    (i && from == a->end))
			wrong(m, "a run of the log from %#llx to %#llx", from,
			      to);
		for (u64 at = from; at < to && !m->failed; at += unit)
			a->is[at / unit] = true;
		a->end = to;
	}
}

static void compare_log(struct model *m, const struct answer *a, u32 first,
			u32 end)
{
	for (u32 i = first; i < end; i++) {
		if (m->log[i] == DIRTY && !a->is[i])
			wrong(m, "unit %u was written and is not in the log", i);
		if (m->log[i] == CLEAN && a->is[i])
			wrong(m, "unit %u is in the log, but was not written", i);
		/* A huge page may have been in use for something else. */
		m->log[i] = a->is[i] && m->huge_unit ? MAYBE : CLEAN;
	}
}

static int collect_errno(const struct model *m, const struct op *op, u64 offset)
{
	if (!may_write(m, op))
		return -EBADF;
	if (!m->unit)
		return -EOPNOTSUPP;
	if (!may_change(m, op))
		return -ENODEV;
	if (offset > m->pages * PAGE || offset % PAGE)
		return -EINVAL;
	return 0;
}

void do_collect(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	struct mapdev_dirty *arg = (void *)c->buf;
	struct mapdev_run *runs = (void *)(c->buf + PAGE);
	u32 unit = m->unit ?: 1, first = op->index / unit, end;
	struct answer answer = { .end = 0 };
	int err;

	if (op->how % 2)
		first = 0;
	end = op->how % 2 ? (MAX_PAGES + unit - 1) / unit :
			    first + (op->count + unit - 1) / unit;
	*arg = (struct mapdev_dirty) {
		.size = sizeof(*arg),
		.offset = first * unit * PAGE + (op->how % 32 == 30),
		.length = (end - first) * unit * PAGE,
		.runs = (uintptr_t)runs,
		.capacity = 1 + op->value % 128,
	};
	err = collect_errno(m, op, arg->offset);
	do {
		ioctl_by(m, op, pick_file(op), MAPDEV_IOC_DIRTY, arg);
		SAME(m, "MAPDEV_IOC_DIRTY", err, c->err);
		if (err || m->failed)
			return;
		m->counter[COLLECT]++;
		add_runs(m, &answer, runs, arg->count);
	} while (arg->length && !m->failed);
	if (end * unit > m->pages)
		end = (m->pages + unit - 1) / unit;
	compare_log(m, &answer, first, end);
}
