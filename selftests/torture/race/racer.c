// SPDX-License-Identifier: GPL-2.0
/* One racer, see race.h. */
#include <pthread.h>
#include <sys/prctl.h>

#include <linux/futex.h>

#include "torture/race/race.h"

struct racer {
	struct board *board;
	u32 id;
	u32 seed;
	int fd;
	u8 *area;
	int index[REGION_PAGES];	/* the page that is mapped there, or -1 */
};

u32 get(u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void put(u32 *word, u32 value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	syscall(__NR_futex, word, FUTEX_WAKE, RACERS, NULL, NULL, 0);
}

static u32 dice(struct racer *r, u32 n)
{
	return next_random(&r->seed) % n;
}

void bad(struct board *b, const char *what, u32 id, u32 page, long is)
{
	if (__atomic_exchange_n(&b->failed, 1, __ATOMIC_SEQ_CST))
		return;
	snprintf(b->why, sizeof(b->why), "%s: actor %u, page %u: %ld", what, id,
		 page, is);
}

/* Check the result, if the phase is the same before and after. */
static void judge(struct racer *r, const char *what, u32 page, u32 before,
		  bool good)
{
	if (before != get(&r->board->phase))
		return;
	if (before % PHASES == LIVE && !good)
		bad(r->board, what, r->id, page, -1);
	if (before % PHASES == REVOKED && good)
		bad(r->board, what, r->id, page, 1);
}

/* --- Bytes --- */

static u64 new_word(struct racer *r, u32 index)
{
	return (u64)next_random(&r->seed) << 32 | index << 8 | r->id | 1;
}

/* Return a place at which an own page is mapped, or -1. */
static int own_place(struct racer *r)
{
	u32 from = dice(r, REGION_PAGES);

	for (u32 i = 0; i < 2 * RACERS; i++) {
		u32 place = (from + i) % REGION_PAGES;

		if (r->index[place] >= 0 && r->index[place] % RACERS == r->id)
			return place;
	}
	return -1;
}

static void race_touch(struct racer *r, bool store)
{
	u32 slot = dice(r, SLOTS), phase = get(&r->board->phase);
	int place = own_place(r), sig, code;
	u64 *known, word;
	u8 *at;

	if (place < 0)
		return;
	known = &r->board->words[r->index[place]][slot];
	word = store ? new_word(r, r->index[place]) : 0;
	at = r->area + place * PAGE + slot * sizeof(word);
	sig = store ? try_bytes(at, (u8 *)&word, sizeof(word), &code) :
		      try_bytes((u8 *)&word, at, sizeof(word), &code);
	if (sig && sig != SIGBUS)
		bad(r->board, "signal", r->id, r->index[place], sig);
	judge(r, store ? "store" : "load", r->index[place], phase, !sig);
	if (!sig && store)
		*known = word;
	else if (!sig && word != *known)
		bad(r->board, "a load returns wrong data", r->id, r->index[place],
		    word);
}

static void race_rw(struct racer *r, bool write)
{
	u32 slot = dice(r, SLOTS), phase = get(&r->board->phase);
	u32 index = dice(r, REGION_PAGES / RACERS) * RACERS + r->id;
	u64 *known = &r->board->words[index][slot];
	off_t at = index * PAGE + slot * sizeof(u64);
	u64 word = write ? new_word(r, index) : 0;
	ssize_t ret;

	ret = write ? pwrite(r->fd, &word, sizeof(word), at) :
		      pread(r->fd, &word, sizeof(word), at);
	if (ret != sizeof(word) && errno != ENODEV)
		bad(r->board, "read or write", r->id, index, errno);
	judge(r, write ? "write" : "read", index, phase, ret > 0);
	if (ret > 0 && write)
		*known = word;
	else if (ret > 0 && word != *known)
		bad(r->board, "a read returns wrong data", r->id, index, word);
}

/* Fork a child that stores once and exits. */
static void race_fork(struct racer *r)
{
	u32 phase = get(&r->board->phase);
	int place = own_place(r), status = -1, code;
	u64 word;
	pid_t pid;

	if (place < 0)
		return;
	word = new_word(r, r->index[place]);
	pid = fork();
	if (!pid)
		_exit(try_bytes(r->area + place * PAGE, (u8 *)&word,
				sizeof(word), &code));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		bad(r->board, "fork", r->id, place, status);
		return;
	}
	judge(r, "store of a child", r->index[place], phase, !status);
	if (!status)
		r->board->words[r->index[place]][0] = word;
}

/* Discard an own page, which then reads as zero; not all backings can. */
static void race_discard(struct racer *r)
{
	u32 index = dice(r, REGION_PAGES / RACERS) * RACERS + r->id;
	u32 phase = get(&r->board->phase);
	int err = region_discard(r->fd, index * PAGE, PAGE);

	if (err == EOPNOTSUPP)
		return;
	judge(r, "discard", index, phase, !err);
	if (!err)
		memset(r->board->words[index], 0,
		       sizeof(r->board->words[index]));
}

/* --- Mappings --- */

static void pick_part(struct racer *r, u32 *place, u32 *count)
{
	*place = dice(r, 4) ? dice(r, REGION_PAGES) : 0;
	*count = 1 + dice(r, dice(r, 4) ? 16 : REGION_PAGES - *place);
	if (*place + *count > REGION_PAGES)
		*count = REGION_PAGES - *place;
}

static void race_mmap(struct racer *r)
{
	u32 place, count, index, phase = get(&r->board->phase);
	void *map;

	pick_part(r, &place, &count);
	index = dice(r, 2) ? place : dice(r, REGION_PAGES - count + 1);
	map = mmap(r->area + place * PAGE, count * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED | (dice(r, 8) ? 0 : MAP_POPULATE),
		   r->fd, index * PAGE);
	if (map == MAP_FAILED && errno != ENODEV)
		bad(r->board, "mmap", r->id, index, errno);
	judge(r, "mmap", index, phase, map != MAP_FAILED);
	for (u32 i = 0; i < count; i++)
		r->index[place + i] = map == MAP_FAILED ? -1 : (int)(index + i);
}

static void race_munmap(struct racer *r)
{
	u32 place, count;

	pick_part(r, &place, &count);
	munmap(r->area + place * PAGE, count * PAGE);
	for (u32 i = 0; i < count; i++)
		r->index[place + i] = -1;
}

/* Move one page over another. */
static void race_mremap(struct racer *r)
{
	u32 from = dice(r, REGION_PAGES), to = dice(r, REGION_PAGES);

	if (from == to || r->index[from] < 0)
		return;
	if (mremap(r->area + from * PAGE, PAGE, PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, r->area + to * PAGE) ==
	    MAP_FAILED)
		bad(r->board, "mremap", r->id, from, errno);
	r->index[to] = r->index[from];
	r->index[from] = -1;
}

/* Page frames refuse; in any case no data is lost. */
static void race_advise(struct racer *r)
{
	u32 place, count;

	pick_part(r, &place, &count);
	madvise(r->area + place * PAGE, count * PAGE, MADV_DONTNEED);
}

static void race_mprotect(struct racer *r)
{
	u32 place, count;

	pick_part(r, &place, &count);
	/* Both stop at the first hole. */
	mprotect(r->area + place * PAGE, count * PAGE, PROT_READ);
	mprotect(r->area + place * PAGE, count * PAGE, PROT_READ | PROT_WRITE);
}

/* --- An actor --- */

static void race_once(struct racer *r)
{
	switch (dice(r, 32)) {
	case 0: case 1: case 2:
		return race_mmap(r);
	case 3:
		return race_munmap(r);
	case 4:
		return race_mremap(r);
	case 5:
		return race_advise(r);
	case 6:
		return race_mprotect(r);
	case 7:
		return dice(r, 4) ? race_discard(r) : race_fork(r);
	case 8: case 9: case 10:
		return race_rw(r, true);
	case 11: case 12: case 13:
		return race_rw(r, false);
	default:
		return race_touch(r, dice(r, 2));
	}
}

static void *race_on(void *arg)
{
	struct racer *r = arg;
	struct board *b = r->board;

	while (!get(&b->end)) {
		if (get(&b->stop)) {
			__atomic_fetch_add(&b->still, 1, __ATOMIC_SEQ_CST);
			while (!turn_is(&b->stop, 0))
				;
			__atomic_fetch_sub(&b->still, 1, __ATOMIC_SEQ_CST);
		}
		race_once(r);
		__atomic_fetch_add(&b->ops, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

int race_process(struct board *b, int fd, u32 proc, u32 seed)
{
	static struct racer racers[THREADS];
	pthread_t threads[THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	catch_signals();
	for (u32 i = 0; i < THREADS; i++) {
		racers[i].board = b;
		racers[i].id = proc * THREADS + i;
		racers[i].seed = (seed * RACERS + racers[i].id + 1) *
				 2654435761u;
		racers[i].fd = fd;
		racers[i].area = ARENA + i * 4 * HUGE_PAGES * PAGE;
		memset(racers[i].index, 0xff, sizeof(racers[i].index));
		pthread_create(&threads[i], NULL, race_on, &racers[i]);
	}
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
