// SPDX-License-Identifier: GPL-2.0
/* Generate a list of operations from a seed; print it. */
#include "torture.h"

static const struct {
	const char *name;
	u32 weight;
} kinds[OP_KINDS] = {
#define KIND(_kind, _name, _weight)	\
	[OP_##_kind] = { _name, _weight },
	KINDS(KIND)
};

/* xorshift: all bits of the result may be used, by a modulus as well. */
u32 next_random(u32 *state)
{
	u32 x = *state ?: 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

/* A number from 0 to n - 1. */
static u32 dice(u32 *state, u32 n)
{
	return next_random(state) % n;
}

static enum op_kind pick_kind(u32 *state)
{
	u32 sum = 0, at;

	for (int i = 0; i < OP_KINDS; i++)
		sum += kinds[i].weight;
	at = dice(state, sum);
	for (int i = 0; ; i++) {
		if (at < kinds[i].weight)
			return i;
		at -= kinds[i].weight;
	}
}

/* Prefer some pages, so that operations overlap. */
static u32 pick_page(u32 *state, u32 limit)
{
	switch (dice(state, 8)) {
	case 0:
		return dice(state, limit);
	case 1:
		return HUGE_PAGES - 8 + dice(state, 16);
	case 2:
		return dice(state, 2) * HUGE_PAGES;
	case 3:
		return REGION_PAGES - 4 + dice(state, 8);
	default:
		return dice(state, 48);
	}
}

static u32 pick_count(u32 *state)
{
	switch (dice(state, 8)) {
	case 0:
		return HUGE_PAGES;
	case 1:
		return 1 + dice(state, REGION_PAGES);
	case 2:
	case 3:
		return 1 + dice(state, 40);
	default:
		return 1 + dice(state, 4);
	}
}

static void make_op(struct op *op, u32 *state)
{
	op->kind = pick_kind(state);
	op->proc = dice(state, PROCESSES);
	op->thread = dice(state, THREADS);
	op->page = pick_page(state, ARENA_PAGES);
	op->count = pick_count(state);
	op->index = pick_page(state, MAX_PAGES);
	op->offset = dice(state, 4) ? dice(state, PAGE) : dice(state, 2) * 4092;
	op->length = 1 + dice(state, dice(state, 4) ? 64 : 2 * PAGE);
	op->how = next_random(state);
	op->value = next_random(state);
}

void make_list(struct op *ops, u32 count, u32 seed)
{
	u32 state = seed * 2654435761u, wait = 0, again = 0;
	enum op_kind undo = OP_RESTORE;

	for (u32 i = 0; i < count; i++) {
		struct op *op = &ops[i];

		make_op(op, &state);
		/* Often continue where the last operation was, to see its effects. */
		if (i && dice(&state, 2)) {
			op->proc = ops[i - 1].proc;
			op->page = ops[i - 1].page + dice(&state, 2);
			op->page %= ARENA_PAGES;
		}
		/* First map the whole region, aligned for huge pages. */
		if (i < 2) {
			op->kind = OP_MMAP;
			op->page = 0;
			op->index = 0;
			op->count = REGION_PAGES;
			op->how = 0;
		}
		/* Then, in every other list, fill the region. */
		if (i == 2 && seed % 2) {
			op->kind = OP_FILL;
			op->index = 0;
			op->count = REGION_PAGES;
		}
		/*
		 * Restore or revive soon after revoke or retire, then reopen the files.
		 */
		if (wait && !--wait) {
			op->kind = undo;
			again = undo == OP_REVIVE ? 5 : 0;
		} else if (again) {
			again--;
			op->kind = OP_REOPEN;
		} else if (!wait && op->kind == OP_REVOKE) {
			undo = OP_RESTORE;
			wait = 2 + dice(&state, 8);
		} else if (!wait && op->kind == OP_RETIRE) {
			undo = OP_REVIVE;
			wait = 2 + dice(&state, 8);
		}
	}
}

void print_list(const struct op *ops, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct op *op = &ops[i];

		printf("#   %-16s actor=%u.%u page=%u count=%u index=%u ",
		       kinds[op->kind].name, op->proc, op->thread, op->page,
		       op->count, op->index);
		printf("offset=%u length=%u how=%#x value=%#x\n", op->offset,
		       op->length, op->how, op->value);
	}
}
