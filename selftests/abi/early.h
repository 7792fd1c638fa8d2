/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Somebody tries to get in while a module is being loaded. A load that fails
 * frees the module, whoever has a file of it open: nobody may have got in.
 */
#ifndef _MAPDEV_SELFTESTS_EARLY_H
#define _MAPDEV_SELFTESTS_EARLY_H

#include <pthread.h>
#include <stdatomic.h>

#include "region.h"

/**
 * struct early - one who tries, in a thread of its own
 * @node: a node that appears while the module is being loaded
 * @file: another file of the module, or NULL
 * @directory: one to be made in configfs, or NULL
 * @refused: how often the node was there, and could not be opened
 * @told_to_wait: how often configfs was there, and made no directory
 * @got_in: how often it worked; what was opened stays open
 */
struct early {
	const char *node;
	const char *file;
	const char *directory;
	atomic_int refused;
	atomic_int told_to_wait;
	atomic_int got_in;
	atomic_bool stop;
	pthread_t thread;
};

static inline void *early_try(void *arg)
{
	struct early *early = arg;

	while (!early->stop) {
		if (open(early->node, O_RDWR | O_CLOEXEC) >= 0)
			early->got_in++;
		else if (errno == ENXIO)
			early->refused++;
		if (early->file && open(early->file, O_RDONLY | O_CLOEXEC) >= 0)
			early->got_in++;
		if (!early->directory)
			continue;
		if (!mkdir(early->directory, 0755))
			early->got_in++;
		else if (errno == EAGAIN)
			early->told_to_wait++;
	}
	return NULL;
}

static inline int early_begin(struct early *early)
{
	return pthread_create(&early->thread, NULL, early_try, early);
}

static inline void early_end(struct early *early)
{
	early->stop = true;
	pthread_join(early->thread, NULL);
}

/* Has every door been tried? If one opened, more tries are not needed. */
static inline bool early_has_seen(struct early *early)
{
	return early->got_in ||
	       (early->refused && (!early->directory || early->told_to_wait));
}

#endif /* _MAPDEV_SELFTESTS_EARLY_H */
