// SPDX-License-Identifier: GPL-2.0
/* The region and the mapping that operations work on. */
#include "subject.h"

/* Stamp the first bytes of each page only. */
void subject_stamp(u8 *map)
{
	for (size_t i = 0; i < SIZE; i += page)
		fill(map + i, i, 16, SEED);
}

int subject_open(struct subject *s, const char *attrs,
		 enum mapdev_backing_type type)
{
	char all[128];
	int err;

	snprintf(all, sizeof(all), "size=2M %s", attrs);
	err = region_create(&s->r, all);
	if (err)
		return err;
	s->type = type;
	s->frames = maps_frames(type, attrs);
	s->flags = MAP_SHARED;
	s->fd = open(s->r.node, O_RDWR);
	s->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED)
		return -errno;
	subject_stamp(s->map);
	return 0;
}

/* The first page without its stamp, or SIZE. */
size_t subject_unlike(const u8 *map)
{
	for (size_t i = 0; i < SIZE; i += page)
		if (differs(map + i, i, 16, SEED) != 16)
			return i;
	return SIZE;
}

int map_other(void *ctx)
{
	struct subject *s = ctx;

	s->other = mmap(AREA, SIZE, PROT_READ | PROT_WRITE,
			s->flags | MAP_FIXED_NOREPLACE, s->fd, 0);
	return s->other == MAP_FAILED ? errno : 0;
}

void prepare_other(void *ctx)
{
	map_other(ctx);
}

int load_other(void *ctx)
{
	load_byte(((struct subject *)ctx)->other + SIZE - page);
	return 0;
}

int store_other(void *ctx)
{
	u8 *byte = ((struct subject *)ctx)->other + SIZE - 1;

	store_byte(byte, 5);
	return 0;
}
