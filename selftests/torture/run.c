// SPDX-License-Identifier: GPL-2.0
/* Run a list of operations; if it fails, shorten it. */
#include "torture.h"

/* The most runs of a list while it is shortened. */
#define TRIES 150

static do_op * const operations[OP_KINDS] = {
	[OP_MMAP]		= do_mmap,
	[OP_MUNMAP]		= do_munmap,
	[OP_MPROTECT]		= do_mprotect,
	[OP_MOVE]		= do_move,
	[OP_RESIZE_MAPPING]	= do_resize_mapping,
	[OP_DUPLICATE]		= do_duplicate,
	[OP_DONTUNMAP]		= do_dontunmap,
	[OP_ADVISE]		= do_advise,
	[OP_LOAD]		= do_touch,
	[OP_STORE]		= do_touch,
	[OP_READ]		= do_rw,
	[OP_WRITE]		= do_rw,
	[OP_FILL]		= do_fill,
	[OP_READ_TO_MAP]	= do_rw_map,
	[OP_WRITE_FROM_MAP]	= do_rw_map,
	[OP_DIRECT_READ]	= do_direct,
	[OP_DIRECT_WRITE]	= do_direct,
	[OP_VM_READ]		= do_vm_rw,
	[OP_VM_WRITE]		= do_vm_rw,
	[OP_PROC_READ]		= do_proc_rw,
	[OP_PROC_WRITE]		= do_proc_rw,
	[OP_RESIZE]		= do_resize,
	[OP_DISCARD]		= do_discard,
	[OP_REVOKE]		= do_revoke,
	[OP_RESTORE]		= do_revoke,
	[OP_COLLECT]		= do_collect,
	[OP_ASK]		= do_ask,
	[OP_RETIRE]		= do_retire,
	[OP_REVIVE]		= do_revive,
	[OP_REOPEN]		= do_reopen,
	[OP_FORK]		= do_fork,
	[OP_EXIT]		= do_exit,
};

struct model *model_new(const char *attrs, enum mapdev_backing_type type)
{
	struct model *m = calloc(1, sizeof(*m));

	m->attrs = attrs;
	m->column = type == MAPDEV_PAGED ? PAGED :
		    maps_frames(type, attrs) ? FRAMES : RAM;
	m->window = type == MAPDEV_WINDOW;
	m->shared = mmap(NULL, sizeof(*m->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	m->sector = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->disk = open(DISK, O_RDWR | O_DIRECT);
	if (m->shared != MAP_FAILED && m->sector != MAP_FAILED && m->disk >= 0)
		return m;
	free(m);
	return NULL;
}

void model_free(struct model *m)
{
	munmap(m->shared, sizeof(*m->shared));
	munmap(m->sector, PAGE);
	close(m->disk);
	free(m);
}

/* The region decides the unit of its log. */
static void learn_unit(struct model *m)
{
	struct mapdev_info info = { .size = sizeof(info) };
	int fd = open(m->r.node, O_RDWR | O_CLOEXEC);

	SAME(m, "MAPDEV_IOC_INFO", 0, ioctl(fd, MAPDEV_IOC_INFO, &info));
	m->unit = info.dirty_unit / PAGE;
	m->huge_unit = m->unit >= HUGE_PAGES;
	close(fd);
}

static void begin(struct model *m)
{
	char attrs[128];

	memset(m->procs, 0, sizeof(m->procs));
	m->failed = false;
	m->hung = false;
	m->gen = 0;
	m->last_vma = 0;
	snprintf(attrs, sizeof(attrs), "size=%lu %s", REGION_PAGES * PAGE,
		 m->attrs);
	SAME(m, attrs, 0, region_create(&m->r, attrs));
	new_life(m);
	learn_unit(m);
	begin_actors(m);
	for (u32 i = 0; i < PROCESSES; i++) {
		const struct op rw = { .proc = i, .how = RW + 1 };
		const struct op ro = { .proc = i, .how = 0 };

		m->procs[i].file[RW].fd = -1;
		m->procs[i].file[RO].fd = -1;
		if (!m->procs[i].alive)
			continue;
		do_reopen(m, &rw);
		do_reopen(m, &ro);
	}
}

/* Redirect an operation of a process that has exited to the next one alive. */
static struct op for_the_living(const struct model *m, struct op op)
{
	while (!m->procs[op.proc].alive)
		op.proc = (op.proc + 1) % PROCESSES;
	return op;
}

static void end(struct model *m)
{
	const struct op last[] = {
		{ .kind = OP_REOPEN, .how = 1 },
		{ .kind = OP_COLLECT, .how = 1, .value = 127 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(last) && !m->failed; i++) {
		const struct op op = for_the_living(m, last[i]);

		operations[op.kind](m, &op);
	}
	if (!m->failed)
		check_all(m);
	end_actors(m);
	if (!m->failed)
		check_ended(m);
	SAME(m, "rmdir", 0, region_destroy(&m->r));
}

/*
 * Return -1, or the index of the operation that failed; @count if the last check did.
 */
int run_list(struct model *m, const struct op *ops, u32 count)
{
	u32 i;

	begin(m);
	for (i = 0; i < count && !m->failed; i++) {
		const struct op op = for_the_living(m, ops[i]);

		operations[op.kind](m, &op);
		m->done++;
		if (i % m->look == m->look - 1 && !m->failed)
			check_all(m);
		if (m->failed)
			break;
	}
	end(m);
	return m->failed ? (int)i : -1;
}

/* --- Shorten --- */

/* Copy to @to all but the @less operations from @from on; return the number copied. */
static u32 without(struct op *to, const struct op *ops, u32 count, u32 from,
		   u32 less)
{
	if (from + less > count)
		less = count - from;
	memcpy(to, ops, from * sizeof(*ops));
	memcpy(to + from, ops + from + less,
	       (count - from - less) * sizeof(*ops));
	return count - less;
}

/* Remove ever smaller parts while the list still fails; return the number left. */
static u32 shrink(struct model *m, struct op *ops, u32 count)
{
	struct op *fewer = malloc(count * sizeof(*ops));
	u32 tries = 0;

	for (u32 part = (count + 1) / 2; part; part = part == 1 ? 0 : (part + 1) / 2) {
		for (u32 from = 0; from < count && tries < TRIES;) {
			u32 left = without(fewer, ops, count, from, part);

			tries++;
			if (run_list(m, fewer, left) < 0) {
				from += part;
				continue;
			}
			memcpy(ops, fewer, left * sizeof(*ops));
			count = left;
		}
	}
	free(fewer);
	return count;
}

static void report(struct model *m, u32 seed, struct op *ops, u32 count, u32 at)
{
	char why[sizeof(m->why)];
	u32 look = m->look;

	printf("# torture: %s: seed %u: operation %u: %s\n", m->attrs, seed, at,
	       m->why);
	/* Later operations do not matter; but a periodic check may have come late. */
	count = at < count ? at + 1 : count;
	print_list(&ops[count - 1], 1);
	fflush(stdout);
	/* Do not repeat a list that hangs: each run would wait for the timeout. */
	if (m->hung || run_list(m, ops, count) < 0) {
		printf("# torture: not repeated, or it passed then; the list was:\n");
		print_list(ops, count);
		m->failed = true;
		return;
	}
	count = shrink(m, ops, count);
	/* A check has effects, too: some operations only decide when it comes. */
	m->look = 1;
	if (run_list(m, ops, count) >= 0)
		count = shrink(m, ops, count);
	else
		m->look = look;
	run_list(m, ops, count);
	m->look = look;
	memcpy(why, m->why, sizeof(why));
	printf("# torture: shortened to %u operations: %s\n", count, why);
	print_list(ops, count);
	printf("# torture: repeat with TORTURE_SEED=%u TORTURE_ROUNDS=1\n", seed);
	fflush(stdout);
	m->failed = true;
}

/* Run one list with new processes and a new region; return true if it passed. */
bool run_seed(struct model *m, u32 seed, u32 count)
{
	struct op *ops = calloc(count, sizeof(*ops));
	int at;

	make_list(ops, count, seed);
	at = run_list(m, ops, count);
	if (at >= 0)
		report(m, seed, ops, count, at);
	free(ops);
	return at < 0;
}
