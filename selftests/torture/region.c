// SPDX-License-Identifier: GPL-2.0
/* Operations on the region, its files, and the processes. */
#include <poll.h>
#include <sys/syscall.h>

#include "torture.h"

/* --- Size and contents --- */

static void set_pages(struct model *m, u32 pages)
{
	u32 old = m->pages;

	m->pages = pages;
	if (pages > old) {
		mark(m, old, pages - old, DIRTY);
		return;
	}
	zero_pages(m, pages, old);
	for (u32 i = 0; m->unit && i < MAX_PAGES; i++)
		if (i * m->unit >= pages)
			m->log[i] = CLEAN;
}

void do_resize(struct model *m, const struct op *op)
{
	struct mapdev_resize *arg = (void *)command_of(m, op)->buf;
	int err = 0;

	*arg = (struct mapdev_resize) {
		.size = sizeof(*arg),
		.length = op->how % 16 ? (1 + op->index % MAX_PAGES) * PAGE :
			  op->offset / 2 * 2 + 1,
	};
	if (!may_write(m, op))
		err = -EBADF;
	else if (m->column != PAGED)
		err = -EOPNOTSUPP;
	else if (!may_change(m, op))
		err = -ENODEV;
	else if (arg->length % PAGE)
		err = -EINVAL;
	ioctl_by(m, op, pick_file(op), MAPDEV_IOC_RESIZE, arg);
	SAME(m, "MAPDEV_IOC_RESIZE", err, command_of(m, op)->err);
	if (err)
		return;
	m->counter[RESIZE]++;
	set_pages(m, arg->length / PAGE);
}

void do_discard(struct model *m, const struct op *op)
{
	struct mapdev_discard *arg = (void *)command_of(m, op)->buf;
	int err = 0;

	*arg = (struct mapdev_discard) {
		.size = sizeof(*arg),
		.offset = op->index * PAGE,
		.length = op->how % 16 ? op->count * PAGE : op->offset,
	};
	if (!may_write(m, op))
		err = -EBADF;
	else if (m->column != PAGED)
		err = -EOPNOTSUPP;
	else if (!arg->length || arg->length % PAGE)
		err = -EINVAL;
	else if (!may_change(m, op))
		err = -ENODEV;
	else if (arg->offset + arg->length > m->pages * PAGE)
		err = -EINVAL;
	ioctl_by(m, op, pick_file(op), MAPDEV_IOC_DISCARD, arg);
	SAME(m, "MAPDEV_IOC_DISCARD", err, command_of(m, op)->err);
	if (err)
		return;
	m->counter[DISCARD]++;
	zero_pages(m, op->index, op->index + arg->length / PAGE);
	mark(m, op->index, arg->length / PAGE, DIRTY);
}

/* --- Revoke and restore, by a program or by root --- */

void do_revoke(struct model *m, const struct op *op)
{
	bool revoke = op->kind == OP_REVOKE, by_root = op->how % 2;
	const char *what = revoke ? "revoke" : "restore";
	bool dead = m->retired || (!by_root &&
		    m->procs[op->proc].file[RW].gen != m->gen);
	int err = 0, is;

	if (!by_root && !may_write(m, op))
		err = -EBADF;
	else if (dead)
		err = by_root ? -ENOENT : -ENODEV;
	else if (m->revoked == revoke)
		err = -EALREADY;
	if (by_root) {
		is = region_revoke(&m->r, revoke);
	} else {
		ioctl_by(m, op, pick_file(op), revoke ? MAPDEV_IOC_REVOKE :
			 MAPDEV_IOC_RESTORE, NULL);
		is = command_of(m, op)->err;
	}
	SAME(m, what, err, is);
	if (err)
		return;
	m->revoked = revoke;
	m->counter[revoke ? REVOKE : RESTORE]++;
}

/* --- INFO and poll --- */

static void expect_poll(struct model *m, u32 state, short is)
{
	bool must = false, may = false;
	short want = POLLHUP;

	if (state == MAPDEV_RETIRED)
		want |= POLLERR;
	if (state == MAPDEV_LIVE) {
		want = POLLIN | POLLOUT;
		for (u32 i = 0; m->unit && i < MAX_PAGES; i++) {
			must |= m->log[i] == DIRTY;
			may |= m->log[i] != CLEAN;
		}
		if (must || (may && is & POLLPRI))
			want |= POLLPRI;
	}
	SAME(m, "poll", want, is);
}

void do_ask(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	const struct mfile *file = &m->procs[op->proc].file[pick_file(op)];
	struct mapdev_info *info = (void *)c->buf;
	struct pollfd *p = (void *)c->buf;
	struct timespec *now = (void *)(p + 1);
	u32 state = m->revoked ? MAPDEV_REVOKED : MAPDEV_LIVE;

	if (m->retired || file->gen != m->gen)
		state = MAPDEV_RETIRED;
	*info = (struct mapdev_info) { .size = sizeof(*info) };
	ioctl_by(m, op, pick_file(op), MAPDEV_IOC_INFO, info);
	SAME(m, "MAPDEV_IOC_INFO", file->fd < 0 ? -EBADF : 0, c->err);
	if (file->fd < 0 || m->failed)
		return;
	SAME(m, "state", state, info->state);
	if (file->gen == m->gen)
		SAME(m, "length", m->pages * PAGE, info->length);
	*p = (struct pollfd) { file->fd, POLLIN | POLLOUT | POLLPRI };
	*now = (struct timespec) {};
	call(m, op, __NR_ppoll, p, 1L, now, 0L, 0L, 0L);
	expect_poll(m, state, p->revents);
}

/* --- Retire, and revive under the same name --- */

void new_life(struct model *m)
{
	m->gen++;
	m->retired = false;
	m->revoked = false;
	m->pages = REGION_PAGES;
	memset(m->log, 0, sizeof(m->log));
	memset(m->counter, 0, sizeof(m->counter));
	/* A window keeps its contents. */
	if (!m->window || m->gen == 1)
		memset(m->shared->data, 0, MAX_PAGES * PAGE);
}

void do_retire(struct model *m, const struct op *op)
{
	SAME(m, "live=0", m->retired ? -EALREADY : 0,
	     region_set(&m->r, "live", "0"));
	m->retired = true;
}

void do_revive(struct model *m, const struct op *op)
{
	char size[32];

	if (m->retired) {
		snprintf(size, sizeof(size), "%lu", REGION_PAGES * PAGE);
		SAME(m, "size", 0, region_set(&m->r, "size", size));
	}
	SAME(m, "live=1", m->retired ? 0 : -EALREADY,
	     region_set(&m->r, "live", "1"));
	if (m->retired)
		new_life(m);
}

/* --- Files and processes --- */

void do_reopen(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	u32 which = op->how % 4 ? RW : RO;
	struct mfile *file = &m->procs[op->proc].file[which];
	int err = m->retired ? -ENOENT : m->revoked ? -ENODEV : 0;

	if (file->fd >= 0) {
		call(m, op, __NR_close, (long)file->fd, 0L, 0L, 0L, 0L, 0L);
		SAME(m, "close", 0, c->err);
	}
	snprintf((char *)c->buf, PAGE, "%s", m->r.node);
	call(m, op, __NR_openat, (long)AT_FDCWD, c->buf,
	     (long)(which == RW ? O_RDWR : O_RDONLY), 0L, 0L, 0L);
	SAME(m, "open", err, c->err);
	file->fd = c->err ? -1 : c->ret;
	file->gen = m->gen;
}

void do_fork(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	struct mproc *parent = &m->procs[op->proc], *child;
	u32 to = 0;

	while (to < PROCESSES && m->procs[to].alive)
		to++;
	if (to == PROCESSES)
		return;
	child = &m->procs[to];
	reset_commands(m, to);
	c->args[0] = to;
	tell(m, op, DO_FORK);
	if (c->ret <= 0) {
		wrong(m, "fork failed");
		return;
	}
	*child = *parent;
	memcpy(m->shared->copies[to], m->shared->copies[op->proc],
	       sizeof(m->shared->copies[to]));
	adopt(m, to, c->ret);
	for (u32 i = 0; i < ARENA_PAGES; i++)
		if (child->pages[i].flags & F_NO_FORK)
			memset(&child->pages[i], 0, sizeof(child->pages[i]));
}

/* Exit, or be killed; never the last process. */
void do_exit(struct model *m, const struct op *op)
{
	struct mproc *p = &m->procs[op->proc];
	u32 alive = 0;

	for (u32 i = 0; i < PROCESSES; i++)
		alive += m->procs[i].alive;
	if (alive == 1)
		return;
	if (op->how % 2)
		kill(p->pid, SIGKILL);
	else
		tell_exit(m, op);
	wait_gone(m, op->proc);
	memset(p, 0, sizeof(*p));
}
