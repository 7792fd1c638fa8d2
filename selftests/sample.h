/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The drivers of samples/: loaded, given a device if they need one, opened and
 * mapped, and all of that undone. MAPDEV_SAMPLES says where the modules are.
 */
#ifndef _MAPDEV_SELFTESTS_SAMPLE_H
#define _MAPDEV_SELFTESTS_SAMPLE_H

#include <dirent.h>
#include <sys/syscall.h>

#include "region.h"

#define RW (PROT_READ | PROT_WRITE)
#define PCI "/sys/bus/pci/devices"

struct sample {
	const char *name;
	char node[64];
	char pci[32];		/* the address of its device; "": needs none */
	size_t size;
	int fd;
	u8 *map;		/* all of it */
};

/* 0 or the errno. */
static inline int load_sample(const char *name, const char *params)
{
	const char *dir = getenv("MAPDEV_SAMPLES");
	char path[256];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", dir ? dir : ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
	close(fd);
	return err;
}

static inline int unload_sample(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static inline const char *pci_file(const struct sample *s, const char *name)
{
	static char path[320];

	snprintf(path, sizeof(path), PCI "/%s/%s", s->pci, name);
	return path;
}

/* First address and size of a BAR. */
static inline u64 bar_range(const struct sample *s, int nr, size_t *size)
{
	unsigned long long start = 0, end = 0, flags;
	FILE *file = fopen(pci_file(s, "resource"), "r");

	for (int i = 0; file && i <= nr; i++)
		if (fscanf(file, "%llx %llx %llx", &start, &end, &flags) != 3)
			break;
	if (file)
		fclose(file);
	*size = end - start + 1;
	return start;
}

/* The ivshmem-plain with the least memory; "" if the machine has none. */
static inline void find_ivshmem(struct sample *s)
{
	char vendor[16], device[16], best[sizeof(s->pci)] = "";
	size_t size, least = -1;
	DIR *dir = opendir(PCI);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		snprintf(s->pci, sizeof(s->pci), "%.31s", entry->d_name);
		read_line(pci_file(s, "vendor"), vendor, sizeof(vendor));
		read_line(pci_file(s, "device"), device, sizeof(device));
		if (strcmp(vendor, "0x1af4") || strcmp(device, "0x1110"))
			continue;
		bar_range(s, 2, &size);
		if (size < least) {
			least = size;
			memcpy(best, s->pci, sizeof(best));
		}
	}
	memcpy(s->pci, best, sizeof(best));
	if (dir)
		closedir(dir);
}

static inline bool has_ivshmem(void)
{
	struct sample s = {};

	find_ivshmem(&s);
	return *s.pci;
}

static inline int bind_device(const struct sample *s)
{
	return write_file(pci_file(s, "driver_override"), s->name) ?:
	       write_file("/sys/bus/pci/drivers_probe", s->pci);
}

static inline int unbind_device(const struct sample *s)
{
	return write_file(pci_file(s, "driver/unbind"), s->pci);
}

static inline u8 *map_part(const struct sample *s, off_t offset, size_t size)
{
	return mmap(NULL, size, RW, MAP_SHARED, s->fd, offset);
}

/* All that a test needs; 0, or -errno of what did not work. */
static inline int sample_begin(struct sample *s, const char *name, size_t size,
			       const char *params)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->size = size;
	s->fd = -1;
	s->map = MAP_FAILED;
	snprintf(s->node, sizeof(s->node), "/dev/%s", name);
	err = load_sample(name, params);
	if (err)
		return -err;
	if (!strcmp(name, "mmap_bar")) {
		find_ivshmem(s);
		if (!*s->pci)
			return -ENODEV;
		snprintf(s->node, sizeof(s->node), "/dev/%s", s->pci);
		bar_range(s, 2, &s->size);
		err = bind_device(s);
		if (err)
			return err;
	}
	s->fd = open(s->node, O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	s->map = map_part(s, 0, s->size);
	return s->map == MAP_FAILED ? -errno : 0;
}

/* The errno of unloading it, which has to work. */
static inline int sample_end(struct sample *s)
{
	if (s->map != MAP_FAILED)
		munmap(s->map, s->size);
	if (s->fd >= 0)
		close(s->fd);
	if (*s->pci) {
		unbind_device(s);
		write_file(pci_file(s, "driver_override"), "\n");
	}
	return unload_sample(s->name);
}

/* A second node of the same device, elsewhere: another inode. */
static inline int open_other_node(const struct sample *s)
{
	char path[] = "/tmp/sample-node-XXXXXX";
	struct stat st;
	int fd = -1;

	close(mkstemp(path));
	unlink(path);
	if (!stat(s->node, &st) && !mknod(path, S_IFCHR | 0600, st.st_rdev))
		fd = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return fd;
}

/* The signal that another process gets at a touch, or 0. */
static inline int touch_in_child(u8 *byte)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(touch_read(byte));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif /* _MAPDEV_SELFTESTS_SAMPLE_H */
