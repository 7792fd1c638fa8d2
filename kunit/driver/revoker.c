// SPDX-License-Identifier: GPL-2.0
#include "region.h"
#include "revoker.h"

static void revoke_work(struct work_struct *work)
{
	struct revoker *revoker = container_of(work, struct revoker, worker.work);

	mapdev_region_revoke(revoker->region, MAPDEV_OFF_ROOT);
	complete(&revoker->worker.done);
}

void revoker_start(struct revoker *revoker, struct mapdev_region *region)
{
	revoker->region = region;
	worker_start(&revoker->worker, revoke_work);
}

void revoker_end(struct revoker *revoker)
{
	worker_end(&revoker->worker);
}
