// SPDX-License-Identifier: GPL-2.0
/* A thread that opens and makes things while a module is loaded. */
#include "early.h"

static void *early_try(void *arg)
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

int early_begin(struct early *early)
{
	return pthread_create(&early->thread, NULL, early_try, early);
}

void early_end(struct early *early)
{
	early->stop = true;
	pthread_join(early->thread, NULL);
}

/* Has every door been tried? If one opened, more tries are not needed. */
bool early_has_seen(struct early *early)
{
	return early->got_in ||
	       (early->refused && (!early->directory || early->told_to_wait));
}
