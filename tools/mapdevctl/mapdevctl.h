/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations shared by the files of mapdevctl. */
#ifndef MAPDEVCTL_H
#define MAPDEVCTL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#define CLASS_DIR	"/sys/class/mapdev"
#define CONFIG_ROOT	"/sys/kernel/config"
#define CONFIG_DIR	CONFIG_ROOT "/mapdev"
#define DEBUG_ROOT	"/sys/kernel/debug"
#define DEBUG_DIR	DEBUG_ROOT "/mapdev"
#define NODE_DIR	"/dev/mapdev"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
	bool json;
	const char *region;	/* NULL for a command without one */
	char **args;		/* arguments after the region */
	int nargs;
};

/* mapdevctl.c */
void json_string(const char *s);
void need_region(const char *name);
bool has_node(const char *region);
bool read_attribute(const char *region, const char *name, char value[128]);
int find_regions(struct dirent ***regions);

/* change.c */
int open_node(const char *name);
void cmd_create(const struct options *options);
void cmd_destroy(const struct options *options);
void cmd_revoke(const struct options *options);
void cmd_restore(const struct options *options);
void cmd_resize(const struct options *options);
void cmd_discard(const struct options *options);

/* users.c */
void cmd_users(const struct options *options);

/* watch.c */
void cmd_watch(const struct options *options);

/* log.c */
void cmd_stat(const struct options *options);
void cmd_dirty(const struct options *options);

#endif
