// SPDX-License-Identifier: GPL-2.0
/* Check everything: the region, all arenas, the counters. */
#include "torture.h"

static const char * const counters[COUNTERS] = {
	[PREPARE]	= "prepare",
	[MAPPED]	= "mapped",
	[REVOKE]	= "revoke",
	[RESTORE]	= "restore",
	[RESIZE]	= "resize",
	[DISCARD]	= "discard",
	[COLLECT]	= "collect",
};

/* --- Bytes --- */

static void check_region(struct model *m)
{
	int fd = open(m->r.node, O_RDONLY | O_CLOEXEC), err = 0;
	static u8 buf[64 * 4096];

	if (m->retired)
		err = -ENOENT;
	else if (m->revoked)
		err = -ENODEV;
	SAME(m, "open of the node", err, fd < 0 ? -errno : 0);
	for (u64 at = 0; fd >= 0 && !m->failed; at += sizeof(buf)) {
		ssize_t got = pread(fd, buf, sizeof(buf), at);

		if (got <= 0) {
			SAME(m, "bytes of the region", m->pages * PAGE,
			     lseek(fd, 0, SEEK_END));
			break;
		}
		for (ssize_t i = 0; i < got && !m->failed; i += PAGE)
			if (memcmp(buf + i, m->shared->data + at + i, PAGE))
				wrong(m, "page %llu of the region differs from what was written",
				      (at + i) / PAGE);
	}
	if (fd >= 0)
		close(fd);
}

/* Signals are slow: of the pages that raise one, check the first and every 32nd. */
static void want_pages(struct model *m, u32 proc)
{
	struct shared *s = m->shared;
	int last = 0;

	for (u32 i = 0; i < ARENA_PAGES; i++) {
		int sig = touch_signal(m, proc, i, false);

		s->want[i] = sig ? NULL : bytes_at(m, proc, i);
		s->want_sig[i] = sig && (sig != last || i % 32 == 0) ? sig : 0;
		last = sig;
	}
}

static void check_arena(struct model *m, u32 proc)
{
	const struct op op = { .proc = proc };
	const struct command *c = command_of(m, &op);

	want_pages(m, proc);
	tell(m, &op, DO_COMPARE);
	if (m->failed || c->ret < 0)
		return;
	if (c->sig || m->shared->want_sig[c->ret])
		wrong(m, "process %u, page %ld of the arena: signal %d, not %d",
		      proc, c->ret, c->sig, m->shared->want_sig[c->ret]);
	else
		wrong(m, "process %u, page %ld of the arena differs from what was written",
		      proc, c->ret);
}

/* --- Counters --- */

/* Count the mappings of the region in /proc/PID/maps. */
static long mappings_seen(const struct model *m, u32 proc)
{
	char path[64], line[512];
	long count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", m->procs[proc].pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		/*
		 * Without those of a retired region, whose name ends with "(deleted)".
		 */
		count += strlen(line) > strlen(m->r.node) &&
			 !strcmp(line + strlen(line) - strlen(m->r.node),
				 m->r.node);
	}
	if (file)
		fclose(file);
	return count;
}

static void check_counters(struct model *m)
{
	long seen = 0, vmas = 0, balance;

	if (m->retired)
		return;
	for (int i = 0; i < COUNTERS; i++) {
		long is = region_stat(&m->r, counters[i]);

		/* Merged mappings count once. */
		if (i == MAPPED && m->column == PAGED && is < m->counter[i])
			continue;
		SAME(m, counters[i], m->counter[i], is);
	}
	for (u32 i = 0; i < PROCESSES; i++) {
		if (!m->procs[i].alive)
			continue;
		seen += mappings_seen(m, i);
		vmas += count_vmas(m, i);
	}
	SAME(m, "mappings, by sysfs", seen, region_mappings(&m->r));
	balance = region_stat(&m->r, "mapped") + region_stat(&m->r, "open") -
		  region_stat(&m->r, "close");
	if (m->column == PAGED)
		return;
	SAME(m, "mappings, by /proc", vmas, seen);
	SAME(m, "mapped + open - close", vmas, balance);
}

void check_all(struct model *m)
{
	check_region(m);
	for (u32 i = 0; i < PROCESSES && !m->failed; i++)
		if (m->procs[i].alive)
			check_arena(m, i);
	if (!m->failed)
		check_counters(m);
}

/* Check what is left when all processes have exited. */
void check_ended(struct model *m)
{
	check_region(m);
	if (!m->failed)
		check_counters(m);
}
