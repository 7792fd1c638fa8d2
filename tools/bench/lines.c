// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU: find the cache lines of the kernel that two CPUs share while
 * they handle page faults.
 *
 *   -plugin lines.so,enter=ADDRESS,leave=ADDRESS,mark=ADDRESS,out=FILE
 *
 * Loads and stores of a CPU between the instruction at "enter" and the one at "leave"
 * are recorded. The first "mark" starts a section, the next ends it, and so on. A section
 * is the line "section", and a line for each cache line that more than one CPU accessed
 * and at least one wrote: its address, and for each place in the kernel the CPU, w or r,
 * the address, and the count.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

EXPORT int qemu_plugin_version = 1;

#define CPUS		2
#define LINE		64
#define KERNEL		0x8000000000000000ULL
#define SLOTS		(2 * 1024 * 1024U)	/* for places */

/* One instruction that accesses one line. */
struct place {
	uint64_t line;
	uint64_t by;
	uint32_t loads;
	uint32_t stores;
};

/* Written only by the thread of its CPU, except at the end of a section. */
static struct cpu {
	struct place *places;
	uint32_t used;
	bool inside;
} cpus[CPUS];

static uint64_t enter, leave, mark;
static unsigned int marks;	/* odd while recording; each CPU is a thread */
static FILE *out;

static struct place *find_place(struct cpu *cpu, uint64_t line, uint64_t by)
{
	uint64_t hash = (line * 31 + by) * 0x9e3779b97f4a7c15ULL;
	struct place *place;

	for (uint32_t at = hash >> 40;; at++) {
		place = &cpu->places[at % SLOTS];
		if (place->line == line && place->by == by)
			return place;
		if (!place->line)
			break;
	}
	if (++cpu->used > SLOTS / 4 * 3) {
		fprintf(stderr, "lines: too many places\n");
		exit(1);
	}
	place->line = line;
	place->by = by;
	return place;
}

static void on_access(unsigned int number, uint32_t info, uint64_t address,
		      void *data)
{
	struct cpu *cpu = &cpus[number];
	struct place *place;

	if (!cpu->inside || address < KERNEL ||
	    __atomic_load_n(&marks, __ATOMIC_RELAXED) % 2 == 0)
		return;
	place = find_place(cpu, address / LINE * LINE, (uintptr_t)data);
	if (qemu_plugin_mem_is_store(info))
		place->stores++;
	else
		place->loads++;
}

static void on_enter(unsigned int number, void *data)
{
	(void)data;
	cpus[number].inside = true;
}

static void on_leave(unsigned int number, void *data)
{
	(void)data;
	cpus[number].inside = false;
}

static int by_line(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

/* Move used entries to the front, sorted by line. */
static void sort_places(struct cpu *cpu)
{
	uint32_t used = 0;

	for (uint32_t at = 0; at < SLOTS; at++)
		if (cpu->places[at].line)
			cpu->places[used++] = cpu->places[at];
	qsort(cpu->places, used, sizeof(*cpu->places), by_line);
	cpu->used = used;
}

static void print_line(uint64_t line, const uint32_t *first, const uint32_t *end)
{
	fprintf(out, "%llx", (unsigned long long)line);
	for (int number = 0; number < CPUS; number++) {
		for (uint32_t at = first[number]; at < end[number]; at++) {
			struct place *place = &cpus[number].places[at];

			if (place->stores)
				fprintf(out, " %d w %llx %u", number,
					(unsigned long long)place->by,
					place->stores);
			if (place->loads)
				fprintf(out, " %d r %llx %u", number,
					(unsigned long long)place->by,
					place->loads);
		}
	}
	fprintf(out, "\n");
}

/* The entries of both CPUs are sorted: walk them in parallel. */
static void print_shared(void)
{
	uint32_t first[CPUS] = { 0 }, end[CPUS];

	for (;;) {
		uint64_t line = UINT64_MAX;
		int sharers = 0;
		bool written = false;

		for (int i = 0; i < CPUS; i++)
			if (first[i] < cpus[i].used &&
			    cpus[i].places[first[i]].line < line)
				line = cpus[i].places[first[i]].line;
		if (line == UINT64_MAX)
			break;
		for (int i = 0; i < CPUS; i++) {
			struct place *places = cpus[i].places;

			for (end[i] = first[i]; end[i] < cpus[i].used &&
			     places[end[i]].line == line; end[i]++)
				written |= places[end[i]].stores > 0;
			sharers += end[i] > first[i];
		}
		if (written && sharers > 1)
			print_line(line, first, end);
		memcpy(first, end, sizeof(first));
	}
}

/* The other CPU no longer runs recorded code. */
static void end_section(void)
{
	fprintf(out, "section\n");
	for (int i = 0; i < CPUS; i++)
		sort_places(&cpus[i]);
	print_shared();
	fflush(out);
	for (int i = 0; i < CPUS; i++) {
		memset(cpus[i].places, 0, SLOTS * sizeof(*cpus[i].places));
		cpus[i].used = 0;
	}
}

static void on_mark(unsigned int number, void *data)
{
	(void)number;
	(void)data;
	if (__atomic_add_fetch(&marks, 1, __ATOMIC_SEQ_CST) % 2 == 0)
		end_section();
}

static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		execute_cb cb = address == enter ? on_enter :
				address == leave ? on_leave :
				address == mark ? on_mark : NULL;

		if (address < KERNEL)
			continue;
		if (cb)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, cb,
							       NO_REGISTERS,
							       NULL);
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, NO_REGISTERS,
						 LOADS_AND_STORES,
						 (void *)(uintptr_t)address);
	}
}

static bool read_argument(const char *argument)
{
	if (!strncmp(argument, "enter=", 6))
		enter = strtoull(argument + 6, NULL, 16);
	else if (!strncmp(argument, "leave=", 6))
		leave = strtoull(argument + 6, NULL, 16);
	else if (!strncmp(argument, "mark=", 5))
		mark = strtoull(argument + 5, NULL, 16);
	else if (!strncmp(argument, "out=", 4))
		out = fopen(argument + 4, "w");
	else
		return false;
	return true;
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc,
			       char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!read_argument(argv[i]))
			return -1;
	if (!enter || !leave || !mark || !out)
		return -1;
	for (int i = 0; i < CPUS; i++) {
		cpus[i].places = calloc(SLOTS, sizeof(*cpus[i].places));
		if (!cpus[i].places)
			return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
