// SPDX-License-Identifier: GPL-2.0
/* Load a sample and map its node; undo that. */
#include "module.h"
#include "sample.h"

/* 0 or the errno. */
int load_sample(const char *name, const char *params)
{
	const char *dir = getenv("MAPDEV_SAMPLES");
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.ko", dir ? dir : ".", name);
	return module_load_file(path, params);
}

int unload_sample(const char *name)
{
	return module_unload(name);
}

/* What mmap_bar needs; the one with the least memory is its device. */
static int find_ivshmem(struct pci_device *dev)
{
	return pci_find(dev, IVSHMEM, 2, PAGE);
}

bool has_ivshmem(void)
{
	struct pci_device dev;

	return !find_ivshmem(&dev);
}

u8 *map_part(const struct sample *s, off_t offset, size_t size)
{
	return mmap(NULL, size, RW, MAP_SHARED, s->fd, offset);
}

/* All that a test needs; 0, or -errno of what did not work. */
int sample_begin(struct sample *s, const char *name, size_t size,
		 const char *params)
{
	u64 bar;
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
		err = find_ivshmem(&s->pci);
		if (err)
			return err;
		snprintf(s->node, sizeof(s->node), "/dev/%s", s->pci.address);
		pci_bar(&s->pci, 2, &bar);
		s->size = bar;
		err = pci_bind(&s->pci, s->name);
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
int sample_end(struct sample *s)
{
	if (s->map != MAP_FAILED)
		munmap(s->map, s->size);
	if (s->fd >= 0)
		close(s->fd);
	if (*s->pci.address)
		pci_unbind(&s->pci);
	return unload_sample(s->name);
}

/* A second node of the same device, elsewhere: another inode. */
int open_other_node(const struct sample *s)
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
int touch_in_child(u8 *byte)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(touch_read(byte));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
