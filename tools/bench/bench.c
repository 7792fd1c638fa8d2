// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to map memory: mapdev, and what one would take instead.
 *
 *   bench [--json FILE] [--size MIB] [--repeat N] [ROW...]
 *
 * Run as root with mapdev loaded, on one CPU. Each row is one kind of memory,
 * and measure() does the same with all of them; a ROW names those that are
 * wanted by a part of their name. All figures are per 4K of the memory, in
 * nanoseconds of CLOCK_MONOTONIC, the least of all repeats:
 *
 *   create       getting the memory, up to a file that can be mapped
 *   mmap         mmap(2) of memory that exists
 *   fresh write  first touch, by a store, of new memory through a new mapping
 *   read again   first touch, by a load, through a new mapping of memory that
 *   write again  exists; the same by a store
 *   munmap       munmap(2) of a mapping that was fully written to
 *
 * Nothing is subtracted: the first two rows tell what the touch itself costs,
 * and the zeroing of a page.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define STEP		4096UL	/* what the figures are per */
#define HUGE_SIZE	(2UL << 20)
#define CONFIGFS	"/sys/kernel/config/mapdev"
#define REGION		"bench"
#define THP		"/sys/kernel/mm/transparent_hugepage/"

enum column { CREATE, MMAP, FRESH, READ, WRITE, MUNMAP, COLUMNS };

static const char * const column_names[COLUMNS] = {
	"create", "mmap", "fresh write", "read again", "write again", "munmap",
};

/**
 * struct peer - one kind of memory
 * @name: of the row
 * @create: make an object of @arg; a file to map, or -1 with errno. NULL for
 *          what mmap(2) makes without a file
 * @arg: flags or attributes
 * @destroy: what is left to do when the file is closed
 * @knob: a setting under THP for the time of the measurement, and its value
 * @value: see @knob
 * @flags: of mmap(2), MAP_SHARED unless set
 * @mapped: touch everything before, so that nothing but the touch is measured
 */
struct peer {
	const char *name;
	int (*create)(const struct peer *peer);
	const char *arg;
	void (*destroy)(void);
	const char *knob;
	const char *value;
	int flags;
	bool mapped;
};

static size_t size = 64UL << 20;

static int write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -1 : 0;
}

/* -- the peers ------------------------------------------------------------- */

static int sized_memfd(unsigned int flags)
{
	int fd = memfd_create(REGION, flags | MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int create_memfd(const struct peer *peer)
{
	(void)peer;
	return sized_memfd(0);
}

static int create_hugetlb(const struct peer *peer)
{
	(void)peer;
	return sized_memfd(MFD_HUGETLB);
}

static int create_udmabuf(const struct peer *peer)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int device, memory, fd = -1;

	(void)peer;
	memory = sized_memfd(MFD_ALLOW_SEALING);
	if (memory < 0)
		return -1;
	create.memfd = memory;
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device >= 0 && !fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK))
		fd = ioctl(device, UDMABUF_CREATE, &create);
	close(device);
	close(memory);
	return fd;
}

static void destroy_region(void)
{
	rmdir(CONFIGFS "/" REGION);
}

static int set_attribute(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), CONFIGFS "/" REGION "/%s", name);
	return write_file(path, value);
}

static int create_region(const struct peer *peer)
{
	char list[128], bytes[24], *rest = list, *item;

	snprintf(list, sizeof(list), "%s", peer->arg);
	snprintf(bytes, sizeof(bytes), "%zu", size);
	if (mkdir(CONFIGFS "/" REGION, 0755) || set_attribute("size", bytes))
		return -1;
	while ((item = strsep(&rest, " "))) {
		char *name = strsep(&item, "=");

		if (set_attribute(name, item))
			return -1;
	}
	if (set_attribute("live", "1"))
		return -1;
	return open("/dev/mapdev/" REGION, O_RDWR | O_CLOEXEC);
}

#define MAPDEV(_name, _arg) {						\
	.name = "mapdev " _name, .arg = "backing=" _arg,		\
	.create = create_region, .destroy = destroy_region }

static const struct peer peers[] = {
	{ .name = "memfd 4K", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "never" },
	{ .name = "memfd THP", .create = create_memfd,
	  .knob = "shmem_enabled", .value = "always" },
	{ .name = "hugetlbfs", .create = create_hugetlb },
	{ .name = "anonymous shared", .flags = MAP_SHARED | MAP_ANONYMOUS },
	{ .name = "anonymous private 4K", .flags = MAP_PRIVATE | MAP_ANONYMOUS,
	  .knob = "enabled", .value = "never" },
	{ .name = "anonymous private THP", .flags = MAP_PRIVATE | MAP_ANONYMOUS,
	  .knob = "enabled", .value = "always" },
	{ .name = "udmabuf", .create = create_udmabuf },
	MAPDEV("paged 4K", "paged granule=4K"),
	MAPDEV("paged 64K", "paged granule=64K"),
	MAPDEV("paged 2M", "paged granule=2M"),
	MAPDEV("pages demand", "pages"),
	MAPDEV("pages eager", "pages map=eager"),
	MAPDEV("vmalloc demand", "vmalloc"),
	MAPDEV("contig demand", "contig"),
	MAPDEV("contig eager", "contig map=eager"),
	MAPDEV("contig pin", "contig pin=1"),
};

static const struct peer touch_floor = {
	.name = "touch of mapped pages", .create = create_memfd, .mapped = true,
};

/* -- measuring ------------------------------------------------------------- */

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* A load and a store that the compiler cannot leave out. */
static inline void load(const char *memory)
{
	char byte = *memory;

	__asm__ __volatile__("" : : "r"(byte) : "memory");
}

static inline void store(char *memory)
{
	*memory = 1;
	__asm__ __volatile__("" : : : "memory");
}

/* One byte of each page: how long that takes. */
static uint64_t touch(char *memory, bool writing)
{
	const char *end = memory + size;
	uint64_t start = now();

	if (writing)
		for (; memory < end; memory += STEP)
			store(memory);
	else
		for (; memory < end; memory += STEP)
			load(memory);
	return now() - start;
}

/*
 * As clear_page() of the kernel does it, where the CPU calls that fast: an
 * instruction that counts as one for each byte when instructions are counted.
 */
static void zero(char *memory, size_t count)
{
#ifdef __x86_64__
	__asm__ __volatile__("rep stosb" : "+D"(memory), "+c"(count) :
			     "a"(0) : "memory");
#else
	memset(memory, 0, count);
#endif
}

/* Map the object; or that of @old once more if it has no file. */
static char *map(const struct peer *peer, int fd, void *old)
{
	void *memory;

	if (old)
		memory = mremap(old, 0, size, MREMAP_MAYMOVE);
	else
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      peer->flags ?: MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void keep_least(double *least, uint64_t time)
{
	double each = (double)time / (size / STEP);

	if (*least < 0 || each < *least)
		*least = each;
}

/*
 * Touch a new mapping of what exists, by loads or by stores, and unmap it.
 * Returns false with errno.
 */
static bool measure_again(const struct peer *peer, int fd, void *old,
			  bool writing, double *least)
{
	uint64_t start, mapping, touching;
	char *memory;

	start = now();
	memory = map(peer, fd, old);
	mapping = now() - start;
	if (!memory)
		return false;
	if (peer->mapped)
		touch(memory, true);
	touching = touch(memory, writing);
	start = now();
	munmap(memory, size);
	if (writing && !peer->mapped) {
		keep_least(&least[MUNMAP], now() - start);
		keep_least(&least[MMAP], mapping);
	}
	keep_least(&least[writing ? WRITE : READ], touching);
	return true;
}

static bool measure_all(const struct peer *peer, int fd, double *least)
{
	/* A second mapping of private memory is other memory. */
	bool shared = !(peer->flags & MAP_PRIVATE);
	uint64_t start;
	char *memory;
	bool done;

	memory = map(peer, fd, NULL);
	if (!memory)
		return false;
	if (!peer->mapped)
		keep_least(&least[FRESH], touch(memory, true));
	/* Without a file it is what keeps the memory. */
	if (fd >= 0)
		munmap(memory, size);

	done = !shared ||
	       (measure_again(peer, fd, fd < 0 ? memory : NULL, false, least) &&
		measure_again(peer, fd, fd < 0 ? memory : NULL, true, least));
	if (fd < 0) {
		start = now();
		munmap(memory, size);
		if (!shared)
			keep_least(&least[MUNMAP], now() - start);
	}
	return done;
}

/* All figures of one row, once; those that do not apply stay negative. */
static bool measure(const struct peer *peer, double *least)
{
	uint64_t start = now();
	int fd = -1, error;
	bool done;

	if (peer->create) {
		fd = peer->create(peer);
		if (fd >= 0 && !peer->mapped)
			keep_least(&least[CREATE], now() - start);
	}
	done = (fd >= 0 || !peer->create) && measure_all(peer, fd, least);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (peer->destroy)
		peer->destroy();
	errno = error;
	return done;
}

/* Set a knob of THP; returns in @old what it was. */
static int turn_knob(const char *knob, const char *value, char *old, size_t room)
{
	char path[128], line[128] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), THP "%s", knob);
	file = fopen(path, "r");
	if (!file)
		return -1;
	/* The one that is on stands in brackets. */
	if (fgets(line, sizeof(line), file) && strchr(line, '[')) {
		end = strchrnul(strchr(line, '['), ']');
		snprintf(old, room, "%.*s",
			 (int)(end - strchr(line, '[') - 1),
			 strchr(line, '[') + 1);
	}
	fclose(file);
	return write_file(path, value);
}

static bool measure_row(const struct peer *peer, unsigned int repeats,
			double *least)
{
	char old[32] = "", ignored[32];
	bool done = true;

	if (peer->knob && turn_knob(peer->knob, peer->value, old, sizeof(old)))
		return false;
	while (done && repeats--)
		done = measure(peer, least);
	if (*old && turn_knob(peer->knob, old, ignored, sizeof(ignored)))
		return false;
	return done;
}

static void measure_zeroing(unsigned int repeats, double *least)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t start;

	if (memory == MAP_FAILED)
		err(1, "mmap");
	touch(memory, true);
	while (repeats--) {
		start = now();
		for (size_t done = 0; done < size; done += STEP)
			zero(memory + done, STEP);
		keep_least(&least[FRESH], now() - start);
	}
	munmap(memory, size);
}

/* -- printing -------------------------------------------------------------- */

static FILE *json;
static const char *separator = "";

static void print_head(unsigned int repeats)
{
	struct utsname kernel;
	char version[512] = "";
	FILE *file = fopen("/proc/version", "r");

	uname(&kernel);
	if (file) {
		if (fgets(version, sizeof(version), file))
			version[strcspn(version, "\n")] = '\0';
		fclose(file);
	}
	printf("Linux %s, %zu MiB, least of %u, ns per 4K page\n\n",
	       kernel.release, size >> 20, repeats);
	printf("%-24s", "");
	for (int i = 0; i < COLUMNS; i++)
		printf("%12s", column_names[i]);
	printf("\n");
	if (json)
		fprintf(json, "{\n  \"kernel\": \"%s\",\n  \"size\": %zu,\n"
			"  \"repeats\": %u,\n  \"unit\": \"ns per %lu bytes\",\n"
			"  \"rows\": {", version, size, repeats, STEP);
}

static void print_row(const char *name, const double *least)
{
	printf("%-24s", name);
	for (int i = 0; i < COLUMNS; i++) {
		if (least[i] < 0)
			printf("%12s", "");
		else
			printf("%12.*f", least[i] < 100 ? 1 : 0, least[i]);
	}
	printf("\n");
	fflush(stdout);
	if (!json)
		return;
	fprintf(json, "%s\n    \"%s\": {", separator, name);
	separator = "";
	for (int i = 0; i < COLUMNS; i++) {
		if (least[i] < 0)
			continue;
		fprintf(json, "%s \"%s\": %.2f", separator, column_names[i],
			least[i]);
		separator = ",";
	}
	fprintf(json, " }");
	separator = ",";
}

static bool wanted(const char *name, char **rows)
{
	if (!*rows)
		return true;
	for (; *rows; rows++)
		if (strstr(name, *rows))
			return true;
	return false;
}

static void none_yet(double *least)
{
	for (int i = 0; i < COLUMNS; i++)
		least[i] = -1;
}

static bool bench_row(const struct peer *peer, unsigned int repeats)
{
	double least[COLUMNS];

	none_yet(least);
	if (!measure_row(peer, repeats, least)) {
		printf("%-24s%s\n", peer->name, strerror(errno));
		return false;
	}
	print_row(peer->name, least);
	return true;
}

static unsigned long positive(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!value || *end)
		errx(2, "%s is not a number above 0", text);
	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "size", required_argument, NULL, 's' },
		{ "repeat", required_argument, NULL, 'r' },
		{ }
	};
	unsigned int repeats = 3;
	double least[COLUMNS];
	char pages[24];
	bool done = true;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = fopen(optarg, "w");
			if (!json)
				err(1, "%s", optarg);
			break;
		case 's':
			size = positive(optarg) << 20;
			break;
		case 'r':
			repeats = positive(optarg);
			break;
		default:
			return 2;
		}
	}
	if (size % HUGE_SIZE)
		errx(2, "the size is not a multiple of 2 MiB");

	snprintf(pages, sizeof(pages), "%zu", size / HUGE_SIZE);
	if (write_file("/proc/sys/vm/nr_hugepages", pages))
		warn("/proc/sys/vm/nr_hugepages");

	print_head(repeats);
	done &= bench_row(&touch_floor, repeats);
	none_yet(least);
	measure_zeroing(repeats, least);
	print_row("zeroing of a page", least);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
		if (wanted(peers[i].name, argv + optind))
			done &= bench_row(&peers[i], repeats);
	write_file("/proc/sys/vm/nr_hugepages", "0");

	if (json) {
		fprintf(json, "\n  }\n}\n");
		if (fclose(json))
			err(1, "the JSON file");
	}
	return !done;
}
