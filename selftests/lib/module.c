// SPDX-License-Identifier: GPL-2.0
/* Load and unload modules. */
#include "module.h"

/* 0 or the errno. */
int module_load_file(const char *path, const char *params)
{
	int err, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
	close(fd);
	return err;
}

/* The modules are beside that of MAPDEV_KO. */
int module_load(const char *name, const char *params)
{
	const char *ko = getenv("MAPDEV_KO");
	const char *slash = ko ? strrchr(ko, '/') : NULL;
	char path[512];

	snprintf(path, sizeof(path), "%.*s%s.ko",
		 slash ? (int)(slash + 1 - ko) : 0, ko ? ko : "", name);
	return module_load_file(path, params);
}

/* Modules of selftests/modules are beside the samples. */
int module_load_helper(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/../selftests/modules/%s.ko",
		 getenv("MAPDEV_SAMPLES") ?: ".", name);
	return module_load_file(path, "");
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}
