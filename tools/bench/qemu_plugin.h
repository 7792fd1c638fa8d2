/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of QEMU's plugin interface, version 1, that lines.c uses; few machines have
 * the header.
 */
#ifndef _MAPDEV_QEMU_PLUGIN_H
#define _MAPDEV_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT			__attribute__((visibility("default")))
#define NO_REGISTERS		0	/* from enum qemu_plugin_cb_flags */
#define LOADS_AND_STORES	3	/* from enum qemu_plugin_mem_rw */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*translate_cb)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*execute_cb)(unsigned int cpu, void *data);
typedef void (*memory_cb)(unsigned int cpu, uint32_t info, uint64_t address,
			  void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translate_cb cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    execute_cb cb, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      memory_cb cb, int flags, int accesses,
				      void *data);
bool qemu_plugin_mem_is_store(uint32_t info);

/* Symbols that a plugin defines. */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

#endif /* _MAPDEV_QEMU_PLUGIN_H */
