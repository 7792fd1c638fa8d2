/* SPDX-License-Identifier: GPL-2.0 */
/* Load and unload mapdev and its kin. */
#ifndef _MAPDEV_SELFTESTS_MODULE_H
#define _MAPDEV_SELFTESTS_MODULE_H

#include <sys/syscall.h>

#include "region.h"

/* 0 or the errno. */
static inline int module_load_file(const char *path, const char *params)
{
	int err, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
	close(fd);
	return err;
}

/* The modules stand beside the one that MAPDEV_KO names. */
static inline int module_load(const char *name, const char *params)
{
	const char *ko = getenv("MAPDEV_KO");
	const char *slash = ko ? strrchr(ko, '/') : NULL;
	char path[512];

	snprintf(path, sizeof(path), "%.*s%s.ko",
		 slash ? (int)(slash + 1 - ko) : 0, ko ? ko : "", name);
	return module_load_file(path, params);
}

/* Those of selftests/modules stand near the samples. */
static inline int module_load_helper(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/../selftests/modules/%s.ko",
		 getenv("MAPDEV_SAMPLES") ?: ".", name);
	return module_load_file(path, "");
}

static inline int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

#endif /* _MAPDEV_SELFTESTS_MODULE_H */
