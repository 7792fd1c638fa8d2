// SPDX-License-Identifier: GPL-2.0
/* The racers (race.h), and the coordinator that revokes, restores and checks. */
#include "torture/race/race.h"

#define OPS 40	/* of all racers, between two steps of the coordinator */

struct course {
	struct board *board;
	struct region r;
	bool counted;	/* mapped, open and close are counted */
	int fd;
	u8 *copy;	/* updated by the dirty log */
	u8 *now;
	u64 unit;	/* bytes */
};

static void let_race(struct board *b)
{
	u32 from = get(&b->ops);

	while (get(&b->ops) - from < OPS && !get(&b->failed))
		usleep(500);
}

static void pause_all(struct board *b)
{
	put(&b->stop, 1);
	while (get(&b->still) != RACERS && !get(&b->failed))
		usleep(500);
}

/* Update the copy by the dirty log. */
static void collect(struct course *c)
{
	struct mapdev_run runs[64];
	struct mapdev_dirty dirty = {
		.size = sizeof(dirty),
		.length = REGION_PAGES * PAGE,
		.runs = (uintptr_t)runs,
		.capacity = ARRAY_SIZE(runs),
	};

	if (!c->unit)
		return;
	do {
		if (ioctl(c->fd, MAPDEV_IOC_DIRTY, &dirty)) {
			bad(c->board, "MAPDEV_IOC_DIRTY", RACERS, 0, errno);
			return;
		}
		for (u32 i = 0; i < dirty.count; i++)
			if (pread(c->fd, c->copy + runs[i].offset,
				  runs[i].length, runs[i].offset) !=
			    runs[i].length)
				bad(c->board, "read of a dirty run", RACERS, i, errno);
	} while (dirty.length);
}

/* While all racers pause: every mapping was counted. */
static void compare_counters(struct course *c)
{
	long balance = region_stat(&c->r, "mapped") +
		       region_stat(&c->r, "open") - region_stat(&c->r, "close");

	if (c->counted && balance != region_mappings(&c->r))
		bad(c->board, "mapped + open - close", RACERS, 0, balance);
}

/* While all racers pause: the copy and the racers' words equal the region. */
static void compare(struct course *c)
{
	struct board *b = c->board;

	collect(c);
	if (pread(c->fd, c->now, REGION_PAGES * PAGE, 0) != REGION_PAGES * PAGE)
		bad(b, "read of all", RACERS, 0, errno);
	for (u32 i = 0; i < REGION_PAGES; i++) {
		if (memcmp(c->now + i * PAGE, b->words[i], sizeof(b->words[i])))
			bad(b, "a write was lost", i % RACERS, i, 0);
		if (c->unit && memcmp(c->now + i * PAGE, c->copy + i * PAGE,
				      PAGE))
			bad(b, "a write is not in the log", i % RACERS, i, 0);
	}
}

static void race_round(struct course *c, bool last)
{
	struct board *b = c->board;
	bool ok;

	let_race(b);
	collect(c);
	let_race(b);
	put(&b->phase, get(&b->phase) + 1);
	ok = last ? !region_destroy(&c->r) : !region_revoke(&c->r, 1);
	put(&b->phase, get(&b->phase) + 1);
	if (!ok)
		bad(b, last ? "retire" : "revoke", RACERS, 0, errno);
	let_race(b);
	if (last)
		return;
	put(&b->phase, get(&b->phase) + 1);
	if (region_revoke(&c->r, 0))
		bad(b, "restore", RACERS, 0, errno);
	put(&b->phase, get(&b->phase) + 1);
}

static int course_open(struct course *c, const char *attrs)
{
	struct mapdev_info info = { .size = sizeof(info) };
	char all[128];
	int err;

	snprintf(all, sizeof(all), "size=%lu %s", REGION_PAGES * PAGE, attrs);
	err = region_create(&c->r, all);
	if (err)
		return err;
	c->board = mmap(NULL, sizeof(*c->board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	c->copy = calloc(1, REGION_PAGES * PAGE);
	c->now = malloc(REGION_PAGES * PAGE);
	c->fd = open(c->r.node, O_RDWR | O_CLOEXEC);
	if (c->fd < 0 || ioctl(c->fd, MAPDEV_IOC_INFO, &info))
		return -errno;
	c->unit = info.dirty_unit;
	c->counted = info.backing != MAPDEV_PAGED;
	return 0;
}

/* Return 0, or -1 and the reason in @why. */
int race(const char *attrs, u32 seed, u32 rounds, unsigned long *done,
	 char *why, size_t size)
{
	struct course c = { .fd = -1 };
	pid_t pids[PROCESSES];
	int err = course_open(&c, attrs);

	if (err) {
		snprintf(why, size, "no region: %d", err);
		return -1;
	}
	for (u32 i = 0; i < PROCESSES; i++) {
		/* Open it now: a revoked region cannot be opened. */
		int fd = open(c.r.node, O_RDWR);

		pids[i] = fork();
		if (!pids[i])
			_exit(race_process(c.board, fd, i, seed));
		close(fd);
	}
	for (u32 i = 0; i < rounds && !get(&c.board->failed); i++) {
		race_round(&c, false);
		if (i % 4 != 3)
			continue;
		pause_all(c.board);
		compare(&c);
		compare_counters(&c);
		put(&c.board->stop, 0);
	}
	race_round(&c, true);
	put(&c.board->end, 1);
	for (u32 i = 0; i < PROCESSES; i++)
		if (waitpid(pids[i], &err, 0) != pids[i] || err)
			bad(c.board, "exit of a process", i, 0, err);
	*done += get(&c.board->ops);
	snprintf(why, size, "%s", c.board->why);
	err = get(&c.board->failed) ? -1 : 0;
	close(c.fd);
	free(c.copy);
	free(c.now);
	munmap(c.board, sizeof(*c.board));
	return err;
}
