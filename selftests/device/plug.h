/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Take devices of scripts/vm/devices out of the machine and put them in again, by
 * the names that they have there. QEMU's monitor is at the other end of a
 * virtio port; $RUN/devices has the rows of the table as QEMU got them.
 */
#ifndef _MAPDEV_SELFTESTS_PLUG_H
#define _MAPDEV_SELFTESTS_PLUG_H

#include "region.h"

struct monitor {
	FILE *port;
	char line[4096];	/* the last one it said */
	int serial;		/* of the last command */
};

int monitor_open(struct monitor *m);
void monitor_close(struct monitor *m);
int plug_out(struct monitor *m, const char *name);
int plug_in(struct monitor *m, const char *name);

#endif /* _MAPDEV_SELFTESTS_PLUG_H */
