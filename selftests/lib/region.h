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

/* One source file of a program has the harness; others define this. */
#ifdef MAPDEV_NO_HARNESS
#include "kselftest.h"
#else
#include "kselftest_harness.h"
#endif

/* A limit is for what hangs; an emulated machine that is not alone is slow. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

typedef unsigned char u8;
typedef unsigned long long u64;

#define CONFIGFS "/sys/kernel/config/mapdev"
#define CLASS "/sys/class/mapdev"

/* Write a string into a file; 0 or -errno. */
static inline int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Read a file's first line; "" if there is none. */
static inline const char *read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	line[0] = '\0';
	if (!file)
		return line;
	if (fgets(line, size, file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	return line;
}

/*
 * Of the kernel that runs: a page, and what one entry above it maps; more than any
 * mapping has, where there are no huge pages.
 */
#define PAGE	((unsigned long)sysconf(_SC_PAGESIZE))
#define PMD	pmd_size()
#define NO_PMD	1099511627776UL

static inline unsigned long pmd_size(void)
{
	static const char path[] =
		"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
	static unsigned long size;
	char line[32];

	if (!size)
		size = strtoul(read_line(path, line, sizeof(line)), NULL, 10) ?:
		       NO_PMD;
	return size;
}

static inline bool no_huge_pages(void)
{
	return pmd_size() == NO_PMD;
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* A kernel without huge pages knows nothing of advice about them. */
static inline bool is_no_advice(int advice)
{
	return no_huge_pages() &&
	       (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE ||
		advice == MADV_COLLAPSE);
}

struct region {
	char name[64];
	char node[96];
};

static inline int region_set(const struct region *r, const char *attr,
			     const char *value)
{
	char path[192];

	snprintf(path, sizeof(path), CONFIGFS "/%s/%s", r->name, attr);
	return write_file(path, value);
}

/* Memory that the test kernels leave alone: scripts/vm/kernels, scripts/vm/arm64.dtso. */
#define WINDOW_PHYS	0x240000000ULL
#define WINDOW_SIZE	(256UL << 20)

/*
 * Clear physical memory, which a window shows as it is found. It may be mapped as a
 * device is, which memset() is not for.
 */
static inline int clear_phys(off_t phys, size_t size)
{
	int fd = open("/dev/mem", O_RDWR);
	void *p = mmap(NULL, size, PROT_WRITE, MAP_SHARED, fd, phys);
	int err = p == MAP_FAILED ? -errno : 0;

	if (!err) {
		for (size_t i = 0; i < size; i += sizeof(u64)) {
			*(u64 *)(p + i) = 0;
			__asm__ __volatile__("" : : : "memory");
		}
		munmap(p, size);
	}
	close(fd);
	return err;
}

/* Make a window at the first place of that memory that is free. */
static inline int window_go_live(const struct region *r)
{
	char path[128], text[32];
	size_t size;
	int err;

	snprintf(path, sizeof(path), CONFIGFS "/%s/size", r->name);
	size = strtoul(read_line(path, text, sizeof(text)), NULL, 10);
	for (size_t at = 0; at + size <= WINDOW_SIZE; at += size) {
		snprintf(text, sizeof(text), "%#llx", WINDOW_PHYS + at);
		err = region_set(r, "phys", text);
		if (!err)
			err = region_set(r, "live", "1");
		if (!err)
			return clear_phys(WINDOW_PHYS + at, size);
		if (err != -EBUSY)
			return err;
	}
	return -EBUSY;
}

static inline bool is_power_of_2(unsigned long number)
{
	return number && !(number & (number - 1));
}

/*
 * Make a region with attributes "name=value", separated by blanks. A window
 * without phys= gets a place; the value PAGE is the size of one. Without huge pages,
 * the only granule is a page.
 */
static inline int region_create(struct region *r, const char *attrs)
{
	static int serial;
	char path[128], list[256], bytes[32], *rest = list, *item;
	int err;

	snprintf(r->name, sizeof(r->name), "test-%d-%d", getpid(), serial++);
	snprintf(r->node, sizeof(r->node), "/dev/mapdev/%s", r->name);
	snprintf(path, sizeof(path), CONFIGFS "/%s", r->name);
	snprintf(list, sizeof(list), "%s", attrs);
	if (mkdir(path, 0755))
		return -errno;
	while ((item = strsep(&rest, " "))) {
		char *key = strsep(&item, "=");

		if (!*key)
			continue;

		snprintf(bytes, sizeof(bytes), "%lu", PAGE);
		if (!strcmp(item, "PAGE") ||
		    (!strcmp(key, "granule") && no_huge_pages() &&
		     is_power_of_2(strtoul(item, NULL, 10))))
			item = bytes;
		err = region_set(r, key, item);
		if (err)
			goto remove;
	}
	if (strstr(attrs, "backing=window") && !strstr(attrs, "phys="))
		err = window_go_live(r);
	else
		err = region_set(r, "live", "1");
	if (!err)
		return 0;
remove:
	rmdir(path);
	return err;
}

static inline int region_destroy(const struct region *r)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "/%s", r->name);
	return rmdir(path) ? -errno : 0;
}

/* Root's revoke (1) and restore (0). */
static inline int region_revoke(const struct region *r, int revoke)
{
	char path[128];

	snprintf(path, sizeof(path), CLASS "/%s/revoked", r->name);
	return write_file(path, revoke ? "1" : "0");
}

/* The ioctls that take a structure: 0 or the errno. */
static inline int region_discard(int fd, u64 offset, u64 length)
{
	struct mapdev_discard discard = {
		.size = sizeof(discard), .offset = offset, .length = length,
	};

	return ioctl(fd, MAPDEV_IOC_DISCARD, &discard) ? errno : 0;
}

static inline int region_resize(int fd, u64 length)
{
	struct mapdev_resize resize = {
		.size = sizeof(resize), .length = length,
	};

	return ioctl(fd, MAPDEV_IOC_RESIZE, &resize) ? errno : 0;
}

/* Become a user with no capability. */
static inline int drop_root(void)
{
	return setgroups(0, NULL) || setgid(65534) || setuid(65534);
}

/* One of the region's counters in debugfs. */
static inline long region_stat(const struct region *r, const char *counter)
{
	char path[128], name[32];
	long value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/mapdev/%s", r->name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (fscanf(file, "%31s %ld", name, &value) == 2) {
		if (!strcmp(name, counter)) {
			fclose(file);
			return value;
		}
	}
	fclose(file);
	return -1;
}

/* How many mappings there are of it, as root is told; -1 if it has ended. */
static inline long region_mappings(const struct region *r)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), CLASS "/%s/mappings", r->name);
	read_line(path, line, sizeof(line));
	return line[0] ? atol(line) : -1;
}

/* How many entries a directory has. */
static inline int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static inline bool on_linux_7_2(void)
{
	struct utsname name;

	return !uname(&name) && !strncmp(name.release, "7.2.", 4);
}

/* Of page frames; 7.2 wants a struct page for what a PMD maps, and RAM has one. */
static inline bool frames_are_huge(enum mapdev_backing_type type, size_t size)
{
	return size >= PMD && (type != MAPDEV_WINDOW || !on_linux_7_2());
}

/* What one fault maps: small pages, and PMDs. */
#define AROUND		(2UL << 20)
#define HUGE_AROUND	(PMD > 16UL << 20 ? PMD : 16UL << 20)

/*
 * Are these the faults for @size bytes? Windows are aligned by address: there is
 * one more where the mapping is not.
 */
static inline bool are_visits(long faults, size_t size, size_t around)
{
	long least = (size + around - 1) / around;

	return faults >= least && faults <= least + (size > 0);
}

/*
 * Is what is repeated for its own sake repeated at length? STRESS=full or short in
 * the environment says so; else not on the debug kernel, on which all takes ten
 * times as long.
 */
static inline bool at_length(void)
{
	const char *stress = getenv("STRESS");

	if (stress)
		return !strcmp(stress, "full");
	return !!access("/sys/kernel/debug/kmemleak", F_OK);
}

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
 * the attributes and what a test may need to know of them.
 */
#define FOR_EACH_BACKING(X)						\
	X(paged, "backing=paged", MAPDEV_PAGED, false)			\
	X(paged_2M, "backing=paged granule=2M", MAPDEV_PAGED, false)	\
	X(pages, "backing=pages", MAPDEV_PAGES, false)			\
	X(pages_eager, "backing=pages map=eager", MAPDEV_PAGES, true)	\
	X(vmalloc, "backing=vmalloc", MAPDEV_VMALLOC, false)		\
	X(vmalloc_eager, "backing=vmalloc map=eager", MAPDEV_VMALLOC, true) \
	X(contig, "backing=contig", MAPDEV_CONTIG, false)		\
	X(contig_eager, "backing=contig map=eager", MAPDEV_CONTIG, true) \
	X(contig_pin, "backing=contig pin=1", MAPDEV_CONTIG, false)	\
	X(contig_pin_eager, "backing=contig pin=1 map=eager",		\
	  MAPDEV_CONTIG, true)						\
	X(window, "backing=window cache=wb", MAPDEV_WINDOW, false)	\
	X(window_eager, "backing=window cache=wb map=eager",		\
	  MAPDEV_WINDOW, true)						\
	X(window_wc, "backing=window cache=wc", MAPDEV_WINDOW, false)

/* Mapped by page frame, without struct pages? */
static inline bool maps_frames(enum mapdev_backing_type type, const char *attrs)
{
	return type == MAPDEV_WINDOW ||
	       (type == MAPDEV_CONTIG && !strstr(attrs, "pin=1"));
}

/* A byte that tells which offset, of which filling, it belongs to. */
static inline u8 pattern(size_t offset, unsigned int seed)
{
	return (offset * 2654435761u + (offset >> 12) * 40503u + seed) >> 3;
}

/*
 * Within 4096 bytes it repeats itself after 2048, of which all other fillings are
 * shifts: by the inverse of the first factor. Emulated, a copy takes a tenth of the
 * time that a multiplication for each byte does.
 */
#define PATTERN_RUN	4096
#define PATTERN_PERIOD	2048
#define PATTERN_INVERSE	1873u

static u8 pattern_bytes[PATTERN_PERIOD + PATTERN_RUN];

static __attribute__((constructor)) void pattern_init(void)
{
	for (size_t i = 0; i < sizeof(pattern_bytes); i++)
		pattern_bytes[i] = pattern(i % PATTERN_PERIOD, 0);
}

/* As many of @size bytes from @offset on as stand in a row; they are at *@bytes. */
static inline size_t pattern_run(size_t offset, size_t size, unsigned int seed,
				 const u8 **bytes)
{
	size_t rest = PATTERN_RUN - offset % PATTERN_RUN;
	size_t shift = ((offset >> 12) * 40503u + seed) * PATTERN_INVERSE;

	*bytes = pattern_bytes + (offset + shift) % PATTERN_PERIOD;
	return size < rest ? size : rest;
}

static inline void fill(u8 *buf, size_t offset, size_t size,
			unsigned int seed)
{
	const u8 *bytes;
	size_t run;

	for (size_t i = 0; i < size; i += run) {
		run = pattern_run(offset + i, size - i, seed, &bytes);
		memcpy(buf + i, bytes, run);
	}
}

/* The first offset that is not as fill() made it, or size. */
static inline size_t differs(const u8 *buf, size_t offset,
			     size_t size, unsigned int seed)
{
	const u8 *bytes;
	size_t run;

	for (size_t i = 0; i < size; i += run) {
		run = pattern_run(offset + i, size - i, seed, &bytes);
		if (!memcmp(buf + i, bytes, run))
			continue;
		for (size_t j = 0; j < run; j++)
			if (buf[i + j] != bytes[j])
				return i + j;
	}
	return size;
}

static inline bool all_zero(const u8 *buf, size_t size)
{
	return !buf[0] && !memcmp(buf, buf + 1, size - 1);
}

/* Leave bytes in free memory, for whoever forgets to clear what it takes. */
static inline void dirty_free_memory(void)
{
	const size_t size = 16 << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	/* In single pages, which are the first to be given out again. */
	madvise(p, size, MADV_NOHUGEPAGE);
	memset(p, 0xa5, size);
	munmap(p, size);
}

static sigjmp_buf touch_jump;
static int touch_code;

static inline void touch_handler(int sig, siginfo_t *info, void *context)
{
	touch_code = info->si_code;
	siglongjmp(touch_jump, sig);
}

/* Load or store one byte; the signal that it raised, or 0. */
static inline int touch(u8 *byte, bool store)
{
	struct sigaction action = {
		.sa_sigaction = touch_handler,
		.sa_flags = SA_SIGINFO,
	}, bus, segv;
	int sig;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	sig = sigsetjmp(touch_jump, 1);
	if (!sig) {
		if (store)
			store_byte(byte, 1);
		else
			load_byte(byte);
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

#define touch_read(p)	touch((u8 *)(p), false)
#define touch_write(p)	touch((u8 *)(p), true)

/* mmap(2) that answers the errno of a failure, or 0 and the address. */
static inline int try_mmap(int fd, size_t size, int prot, int flags,
			   off_t offset, u8 **addr)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (addr)
		*addr = p;
	if (p == MAP_FAILED)
		return errno;
	if (!addr)
		munmap(p, size);
	return 0;
}

static inline long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Wait until a process sleeps, by the state that the kernel shows of it. */
static inline void wait_asleep(pid_t pid)
{
	char path[64], line[256];
	const char *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		state = strrchr(read_line(path, line, sizeof(line)), ')');
	} while (state && state[2] == 'R');
}

/* Give up one capability; 0 or the errno. */
static inline int drop_capability(int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return errno;
	data[capability / 32].effective &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data) ? errno : 0;
}

/* How many mappings of this process lie in a range, and the VmFlags of one. */
static inline int count_mappings(const void *start, size_t size)
{
	unsigned long first, last, from = (unsigned long)start;
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &first, &last) == 2)
			count += last > from && first < from + size;
	fclose(file);
	return count;
}

static inline const char *vm_flags(const void *addr, char *flags, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long first, last;
	bool found = false;
	char line[512];

	flags[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			found = (unsigned long)addr == first;
		else if (found && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%.200s", line + 8);
	}
	fclose(file);
	return flags;
}

#endif /* _MAPDEV_SELFTESTS_REGION_H */
