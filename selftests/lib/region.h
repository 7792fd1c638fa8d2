/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the selftests share: regions made through configfs, bytes that tell
 * where they belong, and touches that survive a signal.
 */
#ifndef _MAPDEV_SELFTESTS_REGION_H
#define _MAPDEV_SELFTESTS_REGION_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/mapdev.h>

#include "kselftest.h"

typedef unsigned char u8;
typedef unsigned long long u64;

#define CONFIGFS "/sys/kernel/config/mapdev"
#define CLASS "/sys/class/mapdev"

int write_file(const char *path, const char *value);
const char *read_line(const char *path, char *line, size_t size);

/*
 * The sizes of a page and of a PMD of the running kernel. Without huge pages, a PMD is
 * larger than any mapping.
 */
#define PAGE	((unsigned long)sysconf(_SC_PAGESIZE))
extern long page;
#define PMD	pmd_size()
#define NO_PMD	1099511627776UL

unsigned long pmd_size(void);
bool no_huge_pages(void);

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

bool is_no_advice(int advice);

struct region {
	char name[64];
	char node[96];
};

int region_set(const struct region *r, const char *attr, const char *value);

/* Memory that the test kernels leave alone: scripts/vm/kernels, scripts/vm/arm64.dtso. */
#define WINDOW_PHYS	0x240000000ULL
#define WINDOW_SIZE	(256UL << 20)

int clear_phys(off_t phys, size_t size);
int region_create(struct region *r, const char *attrs);
int region_open(struct region *r, const char *attrs, u64 size);
int region_destroy(const struct region *r);
int region_revoke(const struct region *r, int revoke);
int region_discard(int fd, u64 offset, u64 length);
int region_resize(int fd, u64 length);
int drop_root(void);
long region_stat(const struct region *r, const char *counter);
long region_mappings(const struct region *r);
int count_entries(const char *path);
bool on_linux_7_2(void);
bool frames_are_huge(enum mapdev_backing_type type, size_t size);

/* The range that one fault maps: by small pages, and by PMDs. */
#define AROUND		(2UL << 20)
#define HUGE_AROUND	(PMD > 16UL << 20 ? PMD : 16UL << 20)

bool are_visits(long faults, size_t size, size_t around);
bool at_length(void);

/* A load and a store that the compiler cannot leave out. */
static inline u8 load_byte(const u8 *byte)
{
	u8 value = *byte;

	__asm__ __volatile__("" : "+r"(value) : : "memory");
	return value;
}

static inline __u32 load_word(const void *word)
{
	__u32 value = *(const __u32 *)word;

	__asm__ __volatile__("" : "+r"(value) : : "memory");
	return value;
}

static inline void store_byte(u8 *byte, u8 value)
{
	*byte = value;
	__asm__ __volatile__("" : : : "memory");
}

/*
 * Every backing with every way to map it, as variants of a fixture that has
 * the attributes and what a test may need to know of them: those mapped by
 * page, and those mapped by page frame.
 */
#define FOR_EACH_BACKING(X, ...)					\
	FOR_EACH_PAGE_BACKING(X, ##__VA_ARGS__)				\
	FOR_EACH_FRAME_BACKING(X, ##__VA_ARGS__)

#define FOR_EACH_PAGE_BACKING(X, ...)					\
	X(paged, "backing=paged",					\
	  MAPDEV_PAGED, false, ##__VA_ARGS__)				\
	X(paged_2M, "backing=paged granule=2M",				\
	  MAPDEV_PAGED, false, ##__VA_ARGS__)				\
	X(pages, "backing=pages",					\
	  MAPDEV_PAGES, false, ##__VA_ARGS__)				\
	X(pages_eager, "backing=pages map=eager",			\
	  MAPDEV_PAGES, true, ##__VA_ARGS__)				\
	X(vmalloc, "backing=vmalloc",					\
	  MAPDEV_VMALLOC, false, ##__VA_ARGS__)				\
	X(vmalloc_eager, "backing=vmalloc map=eager",			\
	  MAPDEV_VMALLOC, true, ##__VA_ARGS__)				\
	X(contig_pin, "backing=contig pin=1",				\
	  MAPDEV_CONTIG, false, ##__VA_ARGS__)				\
	X(contig_pin_eager, "backing=contig pin=1 map=eager",		\
	  MAPDEV_CONTIG, true, ##__VA_ARGS__)

#define FOR_EACH_FRAME_BACKING(X, ...)					\
	FOR_EACH_CONTIG(X, ##__VA_ARGS__)				\
	FOR_EACH_WINDOW(X, ##__VA_ARGS__)

#define FOR_EACH_CONTIG(X, ...)						\
	X(contig, "backing=contig",					\
	  MAPDEV_CONTIG, false, ##__VA_ARGS__)				\
	X(contig_eager, "backing=contig map=eager",			\
	  MAPDEV_CONTIG, true, ##__VA_ARGS__)

#define FOR_EACH_WINDOW(X, ...)						\
	X(window, "backing=window cache=wb",				\
	  MAPDEV_WINDOW, false, ##__VA_ARGS__)				\
	X(window_eager, "backing=window cache=wb map=eager",		\
	  MAPDEV_WINDOW, true, ##__VA_ARGS__)				\
	X(window_wc, "backing=window cache=wc",				\
	  MAPDEV_WINDOW, false, ##__VA_ARGS__)

bool maps_frames(enum mapdev_backing_type type, const char *attrs);
u8 pattern(size_t offset, unsigned int seed);
void fill(u8 *buf, size_t offset, size_t size, unsigned int seed);
size_t differs(const u8 *buf, size_t offset, size_t size, unsigned int seed);
bool all_zero(const u8 *buf, size_t size);
void dirty_free_memory(void);

/* The si_code of the last signal that a touch raised. */
extern int touch_code;

/* What touch() does with a signal, for a program with a loop of its own. */
extern sigjmp_buf touch_jump;
void touch_handler(int sig, siginfo_t *info, void *context);

int touch(u8 *byte, bool store);

#define touch_read(p)	touch((u8 *)(p), false)
#define touch_write(p)	touch((u8 *)(p), true)

extern __thread sigjmp_buf work_jump;
void catch_faults(void);

int try_mmap(int fd, size_t size, int prot, int flags, off_t offset, u8 **addr);
long minor_faults(void);
void wait_asleep(pid_t pid);
pid_t start_program(char *const argv[], FILE **output);
int end_program(pid_t pid, FILE *output);
int drop_capability(int capability);
int count_mappings(const void *start, size_t size);
const char *vm_flags(const void *addr, char *flags, size_t size);

#endif /* _MAPDEV_SELFTESTS_REGION_H */
