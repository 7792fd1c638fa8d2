// SPDX-License-Identifier: GPL-2.0
/*
 * The program of 32 bits that abi/compat.c runs: CASE NODE. It is linked with the
 * kernel's nolibc, which wants no C library of 32 bits. The exit status is 0; or 1, and
 * the standard error says what was not as expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/mapdev.h>

typedef __u8 u8;
typedef __u64 u64;

#define PAGE	4096
#define RW	(PROT_READ | PROT_WRITE)
#define FAR	4294967296ULL	/* as an offset of 32 bits, 0 */

static bool failed;

#define CHECK(_expected, _seen) \
	check(__LINE__, #_seen, (long long)(_expected), (long long)(_seen))

static void check(int line, const char *what, long long expected, long long seen)
{
	if (expected == seen)
		return;
	fprintf(stderr, "# compat32.c:%d: %s is %lld, expected %lld\n", line, what,
		seen, expected);
	failed = true;
}

static u8 load_byte(const u8 *byte)
{
	u8 value = *byte;

	__asm__ __volatile__("" : "+q"(value) : : "memory");
	return value;
}

static void store_byte(u8 *byte, u8 value)
{
	*byte = value;
	__asm__ __volatile__("" : : : "memory");
}

/* mmap2(2): 0, or the errno of its failure. */
static int try_mmap(int fd, size_t size, u64 offset, u8 **addr)
{
	*addr = mmap(NULL, size, RW, MAP_SHARED, fd, offset);
	return *addr == MAP_FAILED ? errno : 0;
}

static int try_ioctl(int fd, unsigned long command, void *arg)
{
	return ioctl(fd, command, arg) ? errno : 0;
}

/* The signal that a load raises in a child. */
static int touch(const u8 *byte)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		load_byte(byte);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WTERMSIG(status);
}

static int get_byte(int fd, u64 offset)
{
	u8 byte;

	if (lseek(fd, offset, SEEK_SET) < 0 || read(fd, &byte, 1) != 1)
		return -errno;
	return byte;
}

/* The answer of INFO goes to the standard output; nothing behind it was written. */
static void info(int fd)
{
	struct {
		struct mapdev_info info;
		u64 guard;
	} answer = { .info.size = sizeof(answer.info), .guard = FAR + 1 };

	CHECK(0, try_ioctl(fd, MAPDEV_IOC_INFO, &answer.info));
	CHECK(FAR + 1, answer.guard);
	CHECK(sizeof(answer.info), write(1, &answer.info, sizeof(answer.info)));
}

/* Each page but the first has its number, and one more afterwards. */
static void map(int fd)
{
	u8 *map;

	if (try_mmap(fd, 1023 * PAGE, PAGE, &map)) {
		CHECK(0, errno);
		return;
	}
	for (int i = 1; i < 1024; i++) {
		u8 *byte = map + (i - 1) * PAGE;

		CHECK((u8)i, load_byte(byte));
		store_byte(byte, i + 1);
	}
	CHECK(0, munmap(map, 1023 * PAGE));
}

static void revoke(int fd)
{
	u8 *map;

	CHECK(EALREADY, try_ioctl(fd, MAPDEV_IOC_RESTORE, NULL));
	CHECK(0, try_mmap(fd, PAGE, 0, &map));
	CHECK(0, touch(map));
	CHECK(EINVAL, try_ioctl(fd, MAPDEV_IOC_REVOKE, map));
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_REVOKE, NULL));
	CHECK(SIGBUS, touch(map));
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_RESTORE, NULL));
	CHECK(0, touch(map));
	CHECK(ENOTTY, try_ioctl(fd, _IO(MAPDEV_IOC_MAGIC, 99), NULL));
}

/*
 * A whole PMD, where the program puts it: mm core aligns the addresses of programs of 64
 * bits only.
 */
static void huge(int fd)
{
	const size_t pmd = 512 * PAGE, size = 2 * pmd;
	u8 *room = mmap(NULL, size + pmd, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	u8 *place = (u8 *)(((unsigned long)room + pmd - 1) / pmd * pmd);
	u8 *map = mmap(place, size, RW, MAP_SHARED | MAP_FIXED, fd, 0);

	CHECK(true, map == place);
	if (map != place)
		return;
	for (int i = 0; i < 1024; i++)
		CHECK((u8)i, load_byte(map + i * PAGE));
}

/* --- A region of 5 GiB, larger than any mapping here --- */

static void past_4g(int fd)
{
	const u64 end = 5ULL << 30;
	u8 *low, *high;

	CHECK(end, lseek(fd, 0, SEEK_END));
	CHECK(0, try_mmap(fd, PAGE, 0, &low));
	CHECK(0, try_mmap(fd, PAGE, FAR, &high));
	store_byte(low, 1);
	store_byte(high, 2);
	CHECK(1, load_byte(low));
	CHECK(1, get_byte(fd, 0));
	CHECK(2, get_byte(fd, FAR));

	CHECK(0, try_mmap(fd, PAGE, end - PAGE, &high));
	CHECK(0, touch(high));
	CHECK(EINVAL, try_mmap(fd, 2 * PAGE, end - PAGE, &high));
	CHECK(EINVAL, try_mmap(fd, PAGE, end, &high));
	/* The last page that mmap2(2) can name. */
	CHECK(EINVAL, try_mmap(fd, PAGE, 0xffffffffULL * PAGE, &high));
}

static void dirty(int fd)
{
	struct mapdev_run run = { 0 };
	struct mapdev_dirty all = {
		.size = sizeof(all), .length = 5ULL << 30,
		.runs = (unsigned long)&run, .capacity = 1,
	}, ask = all;
	u8 *map;

	CHECK(0, try_mmap(fd, 2 * PAGE, FAR, &map));
	store_byte(map + PAGE, 1);
	/* An address of 64 bits is taken as it is, and nothing is lost. */
	ask.runs |= FAR;
	CHECK(EFAULT, try_ioctl(fd, MAPDEV_IOC_DIRTY, &ask));
	ask = all;
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_DIRTY, &ask));
	CHECK(1, ask.count);
	CHECK(0, ask.length);
	CHECK(FAR + PAGE, run.offset);
	CHECK(PAGE, run.length);
	ask = all;
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_DIRTY, &ask));
	CHECK(0, ask.count);
}

static void discard(int fd)
{
	struct mapdev_discard discard = {
		.size = sizeof(discard), .offset = FAR, .length = PAGE,
	};
	u8 *low, *high;

	CHECK(0, try_mmap(fd, PAGE, 0, &low));
	CHECK(0, try_mmap(fd, 2 * PAGE, FAR, &high));
	store_byte(low, 3);
	store_byte(high, 4);
	store_byte(high + PAGE, 5);
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_DISCARD, &discard));
	CHECK(0, load_byte(high));
	CHECK(5, load_byte(high + PAGE));
	CHECK(3, load_byte(low));
}

static void resize(int fd)
{
	struct mapdev_resize resize = {
		.size = sizeof(resize), .length = FAR + PAGE,
	};
	u8 *map;

	CHECK(0, try_mmap(fd, 2 * PAGE, FAR, &map));
	CHECK(0, touch(map + PAGE));
	CHECK(0, try_ioctl(fd, MAPDEV_IOC_RESIZE, &resize));
	CHECK(FAR + PAGE, lseek(fd, 0, SEEK_END));
	CHECK(0, touch(map));
	CHECK(SIGBUS, touch(map + PAGE));
}

static const struct {
	const char *name;
	void (*run)(int fd);
} cases[] = {
	{ "info", info }, { "map", map }, { "revoke", revoke }, { "huge", huge },
	{ "past_4g", past_4g }, { "dirty", dirty }, { "discard", discard },
	{ "resize", resize },
};

int main(int argc, char **argv)
{
	int fd = argc == 3 && sizeof(void *) == 4 ? open(argv[2], O_RDWR) : -1;

	if (fd < 0)
		return 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!strcmp(cases[i].name, argv[1])) {
			cases[i].run(fd);
			return failed;
		}
	}
	return 2;
}
