// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that read and write bytes: loads and stores, read(2) and write(2) with a
 * private buffer or a mapping, direct I/O, and access from another process.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include "torture.h"

/* The length of the operation, cut at the end of the page. */
static u32 page_part(const struct op *op)
{
	u32 room = PAGE - op->offset;

	return op->length < room ? op->length : room;
}

static void expect_bytes(struct model *m, const char *what, const u8 *want,
			 const u8 *is, u32 count)
{
	for (u32 i = 0; i < count && !m->failed; i++)
		if (want[i] != is[i])
			wrong(m, "%s: byte %u is %#x, not %#x", what, i, is[i],
			      want[i]);
}

/* --- load, store --- */

void do_touch(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	bool store = op->kind == OP_STORE;
	u32 length = page_part(op);
	int sig = touch_signal(m, op->proc, op->page, store);
	const char *what = store ? "store" : "load";

	fill(c->buf, 0, length, op->value);
	c->args[0] = (long)page_address(op->page) + op->offset;
	c->args[1] = length;
	tell(m, op, store ? DO_STORE : DO_LOAD);
	SAME(m, what, sig, c->sig);
	if (sig == SIGBUS && c->sig == SIGBUS)
		SAME(m, "si_code", BUS_ADRERR, c->code);
	if (sig || m->failed)
		return;
	if (store)
		put_bytes(m, op->proc, op->page, op->offset, c->buf, length);
	else
		expect_bytes(m, what,
			     bytes_at(m, op->proc, op->page) + op->offset,
			     c->buf, length);
}

/* --- pread, pwrite --- */

/* The result before the buffer is accessed: bytes, or -errno. */
static long reachable(const struct model *m, const struct mfile *file, bool ro,
		      u64 offset, u32 length, bool write)
{
	u64 size = m->pages * PAGE;

	if (file->fd < 0 || (write && ro))
		return -EBADF;
	if (!file_live(m, file))
		return -ENODEV;
	if (offset >= size)
		return write ? -ENOSPC : 0;
	return size - offset < length ? size - offset : length;
}

static void expect_count(struct model *m, const struct op *op,
			 const char *what, long want)
{
	const struct command *c = command_of(m, op);

	SAME(m, what, want, c->ret == -1 ? c->err : c->ret);
}

static void write_region(struct model *m, u64 offset, const u8 *buf, u32 count)
{
	memcpy(m->shared->data + offset, buf, count);
	mark(m, offset / PAGE, (offset + count - 1) / PAGE - offset / PAGE + 1,
	     DIRTY);
}

void do_rw(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	bool write = op->kind == OP_WRITE;
	u32 which = op->how % 8 ? RW : RO;
	const struct mfile *file = &m->procs[op->proc].file[which];
	u64 offset = op->index * PAGE + op->offset;
	const char *what = write ? "pwrite" : "pread";
	long count = reachable(m, file, which == RO, offset, op->length, write);

	fill(c->buf, 0, op->length, op->value);
	call(m, op, write ? __NR_pwrite64 : __NR_pread64, (long)file->fd,
	     c->buf, (long)op->length, (long)offset, 0L, 0L);
	expect_count(m, op, what, count);
	if (count <= 0 || m->failed)
		return;
	if (write)
		write_region(m, offset, c->buf, count);
	else
		expect_bytes(m, what, m->shared->data + offset, c->buf, count);
}

/* Write whole pages, so that most data is not zero. */
void do_fill(struct model *m, const struct op *op)
{
	struct op part = { .kind = OP_WRITE, .proc = op->proc,
			   .thread = op->thread, .how = 1 };

	for (u32 i = 0; i < op->count && !m->failed; i += BUF_PAGES) {
		u32 left = op->count - i;

		part.index = op->index + i;
		part.length = (left < BUF_PAGES ? left : BUF_PAGES) * PAGE;
		part.value = op->value + i;
		do_rw(m, &part);
	}
}

/* The same, with a mapping of the arena as the buffer. */
void do_rw_map(struct model *m, const struct op *op)
{
	bool write = op->kind == OP_WRITE_FROM_MAP;
	const struct mfile *file = &m->procs[op->proc].file[RW];
	u64 offset = op->index * PAGE + op->value % PAGE;
	u32 length = page_part(op);
	long count = reachable(m, file, false, offset, length, write);
	u8 buf[PAGE];

	/* A copy of a page to itself has no defined order. */
	if (is_region_page(m, op->proc, op->page, op->index) ||
	    is_region_page(m, op->proc, op->page, op->index + 1))
		return;
	if (count > 0 && touch_signal(m, op->proc, op->page, !write)) {
		/* The page may have been marked before the failure. */
		if (write)
			mark(m, op->index, 2, MAYBE);
		count = -EFAULT;
	}
	call(m, op, write ? __NR_pwrite64 : __NR_pread64, (long)file->fd,
	     page_address(op->page) + op->offset, (long)length, (long)offset, 0L, 0L);
	expect_count(m, op, write ? "pwrite from a mapping" :
				    "pread into a mapping", count);
	if (count <= 0 || m->failed)
		return;
	if (write) {
		memcpy(buf, bytes_at(m, op->proc, op->page) + op->offset, count);
		write_region(m, offset, buf, count);
	} else {
		memcpy(buf, m->shared->data + offset, count);
		put_bytes(m, op->proc, op->page, op->offset, buf, count);
	}
}

/* --- direct I/O --- */

/* Can the page be pinned? Page frames cannot. */
static bool pinnable(const struct model *m, u32 proc, u32 page, bool write)
{
	return m->column != FRAMES && !touch_signal(m, proc, page, write);
}

void do_direct(struct model *m, const struct op *op)
{
	bool in = op->kind == OP_DIRECT_READ;	/* from the disk */
	u32 offset = op->offset / 512 * 512;
	u32 length = 512 * (1 + op->how % ((PAGE - offset) / 512));
	long place = (op->proc * THREADS + op->thread) * PAGE, count = length;

	if (!pinnable(m, op->proc, op->page, in)) {
		count = -EFAULT;
		if (in && m->procs[op->proc].pages[op->page].shared)
			mark(m, m->procs[op->proc].pages[op->page].index, 1,
			     MAYBE);
	}
	fill(m->sector, 0, length, op->value);
	if (pwrite(m->disk, m->sector, length, place) != length)
		wrong(m, "the disk failed");
	call(m, op, in ? __NR_pread64 : __NR_pwrite64, (long)m->disk,
	     page_address(op->page) + offset, (long)length, place, 0L, 0L);
	expect_count(m, op, in ? "direct read" : "direct write", count);
	if (count <= 0 || m->failed)
		return;
	if (in) {
		put_bytes(m, op->proc, op->page, offset, m->sector, length);
		return;
	}
	if (pread(m->disk, m->sector, length, place) != length)
		wrong(m, "the disk failed");
	expect_bytes(m, "direct write", bytes_at(m, op->proc, op->page) + offset,
		     m->sector, length);
}

/* --- Another process --- */

/* Access the memory of another process, or of the process itself. */
void do_vm_rw(struct model *m, const struct op *op)
{
	struct command *c = command_of(m, op);
	bool write = op->kind == OP_VM_WRITE;
	u32 length = page_part(op), target = op->how % PROCESSES;
	struct iovec *iov = (void *)(c->buf + sizeof(c->buf) - PAGE);
	long count = length;

	if (!m->procs[target].alive)
		target = op->proc;
	if (!pinnable(m, target, op->page, write))
		count = -EFAULT;
	if (write && count < 0 && m->procs[target].pages[op->page].shared)
		mark(m, m->procs[target].pages[op->page].index, 1, MAYBE);
	fill(c->buf, 0, length, op->value);
	iov[0] = (struct iovec) { c->buf, length };
	iov[1] = (struct iovec) { page_address(op->page) + op->offset, length };
	call(m, op, write ? __NR_process_vm_writev : __NR_process_vm_readv,
	     (long)m->procs[target].pid, &iov[0], 1L, &iov[1], 1L, 0L);
	expect_count(m, op, write ? "process_vm_writev" : "process_vm_readv",
		     count);
	if (count <= 0 || m->failed)
		return;
	if (write)
		put_bytes(m, target, op->page, op->offset, c->buf, length);
	else
		expect_bytes(m, "process_vm_readv",
			     bytes_at(m, target, op->page) + op->offset,
			     c->buf, length);
}

/* The coordinator is the debugger, by /proc/PID/mem. */
void do_proc_rw(struct model *m, const struct op *op)
{
	const struct mpage *p = &m->procs[op->proc].pages[op->page];
	bool write = op->kind == OP_PROC_WRITE;
	const char *what = write ? "write of /proc/PID/mem" :
				   "read of /proc/PID/mem";
	u32 length = page_part(op);
	long want = length, is;
	char path[64];
	u8 buf[PAGE];
	int fd;

	/* Skip what only FOLL_FORCE, which overrides the protection, may do. */
	if (p->vma && !(p->prot & (write ? PROT_WRITE : PROT_READ)))
		return;
	if (touch_signal(m, op->proc, op->page, write))
		want = -EIO;
	if (write && want < 0 && p->shared)
		mark(m, p->index, 1, MAYBE);
	fill(buf, 0, length, op->value);
	snprintf(path, sizeof(path), "/proc/%d/mem", m->procs[op->proc].pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	is = write ? pwrite(fd, buf, length, (off_t)page_address(op->page) + op->offset) :
		     pread(fd, buf, length, (off_t)page_address(op->page) + op->offset);
	SAME(m, what, want, is == -1 ? -errno : is);
	close(fd);
	if (want <= 0 || m->failed)
		return;
	if (write)
		put_bytes(m, op->proc, op->page, op->offset, buf, length);
	else
		expect_bytes(m, what,
			     bytes_at(m, op->proc, op->page) + op->offset, buf,
			     length);
}
