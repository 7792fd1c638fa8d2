/* SPDX-License-Identifier: GPL-2.0 */
/* A thread that revokes a region, for cases in which the revoke waits. */
#ifndef _MAPDEV_KUNIT_REVOKER_H
#define _MAPDEV_KUNIT_REVOKER_H

#include "../mm/worker.h"
#include "mapdev.h"

struct revoker {
	struct worker worker;
	struct mapdev_region *region;
};

/* Revoke @region; worker.done is completed. The caller has to revoker_end(). */
void revoker_start(struct revoker *revoker, struct mapdev_region *region);
void revoker_end(struct revoker *revoker);

#endif /* _MAPDEV_KUNIT_REVOKER_H */
