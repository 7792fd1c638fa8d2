// SPDX-License-Identifier: GPL-2.0
/* Alternatives to mapdev. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "bench.h"

int sized_memfd(size_t size, unsigned int flags)
{
	int fd = memfd_create(REGION, flags | MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

int create_memfd(const struct memory *memory, struct object *object)
{
	(void)memory;
	object->fd = sized_memfd(object->size, 0);
	return object->fd < 0 ? -1 : 0;
}

int create_hugetlb(const struct memory *memory, struct object *object)
{
	(void)memory;
	object->fd = sized_memfd(object->size, MFD_HUGETLB);
	return object->fd < 0 ? -1 : 0;
}

/* Includes the memfd that it is made from. */
int create_udmabuf(const struct memory *memory, struct object *object)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = object->size,
	};
	int device, source;

	(void)memory;
	source = sized_memfd(object->size, MFD_ALLOW_SEALING);
	if (source < 0)
		return -1;
	create.memfd = source;
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device >= 0 && !fcntl(source, F_ADD_SEALS, F_SEAL_SHRINK))
		object->fd = ioctl(device, UDMABUF_CREATE, &create);
	close(device);
	close(source);
	return object->fd < 0 ? -1 : 0;
}

int create_heap(const struct memory *memory, struct object *object)
{
	struct dma_heap_allocation_data data = {
		.len = object->size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	(void)memory;
	if (heap < 0)
		return -1;
	if (!ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		object->fd = data.fd;
	close(heap);
	return object->fd < 0 ? -1 : 0;
}

int create_zero(const struct memory *memory, struct object *object)
{
	(void)memory;
	object->fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	return object->fd < 0 ? -1 : 0;
}

/* -- any kind of memory ---------------------------------------------------- */

/* Find a free and aligned address. */
static char *aligned_place(size_t size, size_t align)
{
	size_t room = size + align;
	char *start = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	munmap(start, room);
	return (char *)(((uintptr_t)start + align - 1) & -align);
}

bool object_open(const struct memory *memory, struct object *object)
{
	int error;

	*object = (struct object){
		.fd = -1,
		.size = memory->size ?: settings.size,
	};
	if (memory->create && memory->create(memory, object)) {
		error = errno;
		object_close(memory, object);
		errno = error;
		return false;
	}
	if (memory->align)
		object->place = aligned_place(object->size, memory->align);
	return true;
}

void object_close(const struct memory *memory, struct object *object)
{
	if (object->fd >= 0)
		close(object->fd);
	if (memory->destroy)
		memory->destroy();
}

char *object_map(const struct memory *memory, const struct object *object)
{
	char *map = mmap(object->place, object->size, PROT_READ | PROT_WRITE,
			 memory->flags ?: MAP_SHARED, object->fd,
			 object->offset);

	return map == MAP_FAILED ? NULL : map;
}

/* Measure a row with its THP setting, and report if that fails. */
bool measure_row(const struct memory *kind,
		 bool (*measure)(const struct memory *kind, double *values),
		 double *values)
{
	char old[32] = "", ignored[32];
	bool done;

	if (kind->knob && turn_knob(kind->knob, kind->value, old, sizeof(old)))
		return row_failed(kind->name);
	done = measure(kind, values);
	if (!done)
		row_failed(kind->name);
	if (*old && turn_knob(kind->knob, old, ignored, sizeof(ignored)))
		return row_failed(kind->name);
	return done;
}
