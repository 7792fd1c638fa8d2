/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of mapdev. They name regions, offsets in them and addresses of
 * programs, never addresses of the kernel. Fields have types of C, which tools
 * know without the kernel's.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mapdev

#if !defined(_TRACE_MAPDEV_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MAPDEV_H

#include <linux/mm.h>
#include <linux/tracepoint.h>

/* Let programs that read the format of an event know the numbers. */
TRACE_DEFINE_ENUM(FAULT_FLAG_WRITE);
TRACE_DEFINE_ENUM(FAULT_FLAG_MKWRITE);
TRACE_DEFINE_ENUM(FAULT_FLAG_ALLOW_RETRY);
TRACE_DEFINE_ENUM(FAULT_FLAG_RETRY_NOWAIT);
TRACE_DEFINE_ENUM(FAULT_FLAG_KILLABLE);
TRACE_DEFINE_ENUM(FAULT_FLAG_TRIED);
TRACE_DEFINE_ENUM(FAULT_FLAG_USER);
TRACE_DEFINE_ENUM(FAULT_FLAG_REMOTE);
TRACE_DEFINE_ENUM(FAULT_FLAG_INSTRUCTION);
TRACE_DEFINE_ENUM(FAULT_FLAG_INTERRUPTIBLE);
TRACE_DEFINE_ENUM(FAULT_FLAG_VMA_LOCK);
TRACE_DEFINE_ENUM(VM_FAULT_OOM);
TRACE_DEFINE_ENUM(VM_FAULT_SIGBUS);
TRACE_DEFINE_ENUM(VM_FAULT_MAJOR);
TRACE_DEFINE_ENUM(VM_FAULT_HWPOISON);
TRACE_DEFINE_ENUM(VM_FAULT_HWPOISON_LARGE);
TRACE_DEFINE_ENUM(VM_FAULT_SIGSEGV);
TRACE_DEFINE_ENUM(VM_FAULT_NOPAGE);
TRACE_DEFINE_ENUM(VM_FAULT_LOCKED);
TRACE_DEFINE_ENUM(VM_FAULT_RETRY);
TRACE_DEFINE_ENUM(VM_FAULT_FALLBACK);
TRACE_DEFINE_ENUM(VM_FAULT_DONE_COW);
TRACE_DEFINE_ENUM(VM_FAULT_NEEDDSYNC);
TRACE_DEFINE_ENUM(VM_FAULT_COMPLETED);

/* mmap(2) of the region; with @ret 0, mm core goes on with it. */
TRACE_EVENT(mapdev_map,

	TP_PROTO(const char *region, unsigned long start, unsigned long end,
		 pgoff_t pgoff, int ret),

	TP_ARGS(region, start, end, pgoff, ret),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned long, pgoff)
		__field(int, ret)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->start = start;
		__entry->end = end;
		__entry->pgoff = pgoff;
		__entry->ret = ret;
	),

	TP_printk("%s %lx-%lx pgoff=%lu ret=%d", __get_str(region),
		  __entry->start, __entry->end, __entry->pgoff, __entry->ret)
);

/* A fault was answered; @order is that of the pages of one entry. */
TRACE_EVENT(mapdev_fault,

	TP_PROTO(const char *region, const struct vm_fault *vmf,
		 unsigned int order, vm_fault_t ret),

	TP_ARGS(region, vmf, order, ret),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long, address)
		__field(unsigned long, pgoff)
		__field(unsigned int, flags)
		__field(unsigned int, order)
		__field(unsigned int, ret)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->address = vmf->address;
		__entry->pgoff = vmf->pgoff;
		__entry->flags = vmf->flags;
		__entry->order = order;
		__entry->ret = (__force u32)ret;
	),

	TP_printk("%s %lx pgoff=%lu order=%u flags=%s ret=%s",
		  __get_str(region), __entry->address, __entry->pgoff,
		  __entry->order,
		  __print_flags(__entry->flags, "|", FAULT_FLAG_TRACE),
		  __print_flags(__entry->ret, "|", VM_FAULT_RESULT_TRACE))
);

DECLARE_EVENT_CLASS(mapdev_state,

	TP_PROTO(const char *region, unsigned long why, unsigned long off),

	TP_ARGS(region, why, off),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long, why)
		__field(unsigned long, off)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->why = why;
		__entry->off = off;
	),

	TP_printk("%s why=%s off=%s", __get_str(region),
		  __print_flags(__entry->why, "|", { 1, "root" },
				{ 2, "owner" }, { 4, "retired" }),
		  __print_flags(__entry->off, "|", { 1, "root" },
				{ 2, "owner" }, { 4, "retired" }))
);

/* All mappings are gone. @off: all reasons for which the region is not live. */
DEFINE_EVENT(mapdev_state, mapdev_revoke,
	TP_PROTO(const char *region, unsigned long why, unsigned long off),
	TP_ARGS(region, why, off)
);

DEFINE_EVENT(mapdev_state, mapdev_restore,
	TP_PROTO(const char *region, unsigned long why, unsigned long off),
	TP_ARGS(region, why, off)
);

/* The region is about to get another size. */
TRACE_EVENT(mapdev_resize,

	TP_PROTO(const char *region, u64 from, u64 to),

	TP_ARGS(region, from, to),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long long, from)
		__field(unsigned long long, to)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->from = from;
		__entry->to = to;
	),

	TP_printk("%s from=%llu to=%llu", __get_str(region), __entry->from,
		  __entry->to)
);

/* A range is about to be freed. */
TRACE_EVENT(mapdev_discard,

	TP_PROTO(const char *region, u64 offset, u64 length),

	TP_ARGS(region, offset, length),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long long, offset)
		__field(unsigned long long, length)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->offset = offset;
		__entry->length = length;
	),

	TP_printk("%s offset=%llu length=%llu", __get_str(region), __entry->offset,
		  __entry->length)
);

/* A page of a region with a dirty log is about to become writable, or is not. */
TRACE_EVENT(mapdev_mkwrite,

	TP_PROTO(const char *region, pgoff_t pgoff, vm_fault_t ret),

	TP_ARGS(region, pgoff, ret),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long, pgoff)
		__field(unsigned long, ret)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->pgoff = pgoff;
		__entry->ret = (__force unsigned long)ret;
	),

	TP_printk("%s pgoff=%#lx ret=%s", __get_str(region), __entry->pgoff,
		  __print_flags(__entry->ret, "|", VM_FAULT_RESULT_TRACE))
);

/* The dirty log of the range to @end was collected, in @runs. */
TRACE_EVENT(mapdev_collect,

	TP_PROTO(const char *region, u64 offset, u64 end, u32 runs, int err),

	TP_ARGS(region, offset, end, runs, err),

	TP_STRUCT__entry(
		__string(region, region)
		__field(unsigned long long, offset)
		__field(unsigned long long, end)
		__field(u32, runs)
		__field(int, err)
	),

	TP_fast_assign(
		__assign_str(region);
		__entry->offset = offset;
		__entry->end = end;
		__entry->runs = runs;
		__entry->err = err;
	),

	TP_printk("%s offset=%llu end=%llu runs=%u err=%d", __get_str(region),
		  __entry->offset, __entry->end, __entry->runs, __entry->err)
);

#endif /* _TRACE_MAPDEV_H */

#include <trace/define_trace.h>
