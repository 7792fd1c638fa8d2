// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever is written into a file of configfs or sysfs, and whatever an ioctl is
 * given, the answer is an errno of the list below, which is that of mapdev(4).
 *
 * The numbers are random. A run prints its seed; MAPDEV_SEED repeats it.
 */
#include <limits.h>
#include <sys/random.h>

#include "test.h"

#define SIZE (64 * PAGE)
#define MAX_ERRNOS 16

/* --- Permitted errnos --- */

static const struct ioctl_case {
	const char *name;
	unsigned long cmd;
	size_t size;		/* of the first version of its structure, or 0 */
	int errnos[MAX_ERRNOS];
} ioctls[] = {
	{ "INFO", MAPDEV_IOC_INFO, sizeof(struct mapdev_info),
	  { EFAULT, EINVAL, E2BIG } },
	{ "DIRTY", MAPDEV_IOC_DIRTY, sizeof(struct mapdev_dirty),
	  { EBADF, EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENODEV, EBUSY, EINTR,
	    ENOMEM } },
	{ "DISCARD", MAPDEV_IOC_DISCARD, sizeof(struct mapdev_discard),
	  { EBADF, EACCES, EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENODEV } },
	{ "RESIZE", MAPDEV_IOC_RESIZE, sizeof(struct mapdev_resize),
	  { EBADF, EPERM, EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENODEV, ENOSPC,
	    ENOMEM } },
	{ "REVOKE", MAPDEV_IOC_REVOKE, 0,
	  { EBADF, EPERM, EINVAL, EALREADY, ENODEV } },
	{ "RESTORE", MAPDEV_IOC_RESTORE, 0,
	  { EBADF, EPERM, EINVAL, EALREADY, ENODEV } },
};

/* Files that take a value. EPERM is of a physical range that is not allowed. */
static const struct file_case {
	const char *name;
	int errnos[MAX_ERRNOS];
} config_files[] = {
	{ "size", { EINVAL, EBUSY, ENODEV, ENOSPC } },
	{ "backing", { EINVAL, EBUSY } },
	{ "granule", { EINVAL, EBUSY } },
	{ "numa_node", { EINVAL, EBUSY } },
	{ "mode", { EINVAL, EBUSY } },
	{ "map", { EINVAL, EBUSY } },
	{ "pin", { EINVAL, EBUSY } },
	{ "dma32", { EINVAL, EBUSY } },
	{ "ro", { EINVAL, EBUSY } },
	{ "dirty", { EINVAL, EBUSY } },
	{ "cache", { EINVAL, EBUSY } },
	{ "phys", { EINVAL, EBUSY } },
	{ "live", { EINVAL, EALREADY, EEXIST, ENOMEM, ENOSPC, EOPNOTSUPP,
		    EPERM, EBUSY } },
}, class_files[] = {
	{ "size", { EINVAL, EOPNOTSUPP, ENODEV, ENOSPC } },
	{ "revoked", { EINVAL, EALREADY, ENODEV } },
};

static bool is_listed(const int *errnos, int err)
{
	for (int i = 0; err && i < MAX_ERRNOS; i++)
		if (errnos[i] == err)
			return true;
	return !err;
}

/* --- Random input --- */

static unsigned long long seed;

static unsigned int next(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 33;
}

static void plant(const char *what)
{
	const char *given = getenv("MAPDEV_SEED");

	if (given)
		seed = strtoull(given, NULL, 0);
	else
		getrandom(&seed, sizeof(seed), 0);
	printf("# %s: MAPDEV_SEED=%llu\n", what, seed);
	fflush(stdout);
}

static u64 random_number(void)
{
	const u64 numbers[] = {
		0, 1, 2, PAGE - 1, PAGE, PAGE + 1, SIZE - PAGE, SIZE, SIZE + 1,
		INT_MAX, UINT_MAX, 1ULL << 32, LLONG_MAX, 1ULL << 63, -1ULL,
		-PAGE, LLONG_MAX & -PAGE,
	};

	switch (next() % 4) {
	case 0:
		return next() % (2 * SIZE);
	case 1:
		return next() % 128 * PAGE;
	case 2:
		return (u64)next() << 32 | next();
	default:
		return numbers[next() % ARRAY_SIZE(numbers)];
	}
}

/* Words, numbers with units, bytes of any kind; returns how many bytes. */
static size_t random_value(char *value, size_t size)
{
	static const char * const words[] = {
		"paged", "pages", "vmalloc", "contig", "window", "demand",
		"eager", "wb", "wc", "uc", "0", "1", "64K", "256K", "2M", "-1",
		"0600", "", " ", "\n", "yes", "n", "0x1000", "+1", "%s%n", "4k\n",
		"1 ", "999999999999999999999", "on", "../..",
	};
	size_t length;

	switch (next() % 8) {
	case 0:
		return snprintf(value, size, "%llu", random_number());
	case 1:
		return snprintf(value, size, "%llu%c", random_number() % 300,
				"KMGkmgTx"[next() % 8]);
	case 2:
		length = next() % (next() % 8 ? 32 : size);
		for (size_t i = 0; i < length; i++)
			value[i] = next();
		return length;
	default:
		return snprintf(value, size, "%s%s",
				words[next() % ARRAY_SIZE(words)],
				next() % 4 ? "" : "\n");
	}
}

static int write_bytes(const char *path, const char *value, size_t length)
{
	int fd = open(path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, length) < 0)
		err = errno;
	close(fd);
	return err;
}

/* --- Files --- */

/* Memory is not what this tests: larger regions only where they take none. */
static bool is_small(const char *dir)
{
	char path[192], line[64];
	bool paged;

	snprintf(path, sizeof(path), "%s/backing", dir);
	paged = !strcmp(read_line(path, line, sizeof(line)), "paged");
	snprintf(path, sizeof(path), "%s/size", dir);
	return paged ||
	       strtoull(read_line(path, line, sizeof(line)), NULL, 10) <= 1 << 20;
}

/* A region that is not live, half of the time with a size that it can have. */
static int make_region(const char *dir)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/size", dir);
	return mkdir(dir, 0755) ?:
	       next() % 2 ? write_bytes(path, "64K", 3) : 0;
}

TEST(random_config_values)
{
	char dir[96], path[192], value[PAGE + 64];
	int rounds = at_length() ? 6000 : 1500;
	unsigned int lived = 0;

	plant("config_values");
	snprintf(dir, sizeof(dir), CONFIGFS "/fuzz-%d", getpid());
	ASSERT_EQ(0, make_region(dir));
	for (int round = 0; round < rounds; round++) {
		const struct file_case *file =
			&config_files[next() % ARRAY_SIZE(config_files)];
		size_t length = random_value(value, sizeof(value));
		int err;

		/* Half of the time, values that lead to a region. */
		if (next() % 16 == 0) {
			file = &config_files[ARRAY_SIZE(config_files) - 1];
			length = snprintf(value, sizeof(value), "%u", next() % 2);
		}
		/* configfs itself answers an empty write with EFAULT. */
		if (!length || (!strcmp(file->name, "live") && !is_small(dir)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, file->name);
		err = write_bytes(path, value, length);
		EXPECT_TRUE(is_listed(file->errnos, err)) {
			TH_LOG("round %d: %s=\"%.*s\": errno %d", round,
			       file->name, (int)length, value, err);
		}
		lived += !err && !strcmp(file->name, "live");
		/* An attribute that keeps most from being live is left early. */
		if (next() % 64 == 0) {
			rmdir(dir);
			ASSERT_EQ(0, make_region(dir));
		}
	}
	EXPECT_EQ(0, rmdir(dir));
	EXPECT_LT(0, lived);
}

TEST(random_names)
{
	static const int errnos[MAX_ERRNOS] = {
		EINVAL, ENAMETOOLONG, EEXIST, ENOENT,
	};
	char name[300], path[400];

	plant("names");
	for (int round = 0; round < 1000; round++) {
		size_t length = next() % (next() % 4 ? 20 : sizeof(name));
		int err = 0;

		for (size_t i = 0; i < length; i++)
			name[i] = next() % 4 ? "abZ09._-/\n "[next() % 11] :
					       next() % 255 + 1;
		name[length] = '\0';
		/* Not the parent. */
		if (strchr(name, '/'))
			continue;
		snprintf(path, sizeof(path), CONFIGFS "/%s", name);
		if (mkdir(path, 0755))
			err = errno;
		else
			EXPECT_EQ(0, rmdir(path));
		EXPECT_TRUE(is_listed(errnos, err)) {
			TH_LOG("\"%s\": errno %d", name, err);
		}
	}
}

/* A value cannot forge a line of the log. */
TEST(log_is_escaped)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char dir[96], path[192], record[4096];
	bool found = false, forged = false;
	ssize_t n;

	lseek(fd, 0, SEEK_END);
	snprintf(dir, sizeof(dir), CONFIGFS "/forger-%d", getpid());
	ASSERT_EQ(0, mkdir(dir, 0755));
	snprintf(path, sizeof(path), "%s/ro", dir);
	EXPECT_EQ(-EINVAL, write_file(path, "x\nforged: line"));
	EXPECT_EQ(0, rmdir(dir));
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = '\0';
		found |= !!strstr(record, "forged: line");
		/* The file shows a newline of the text itself like this. */
		forged |= !!strstr(record, "\\x0aforged");
	}
	close(fd);
	EXPECT_TRUE(found);
	EXPECT_FALSE(forged);
}

/* --- A live region --- */

FIXTURE(fuzz) {
	struct region r;
	int fd[2];
};

FIXTURE_VARIANT(fuzz) {
	const char *attrs;
};

FIXTURE_VARIANT_ADD(fuzz, paged) { "backing=paged" };
FIXTURE_VARIANT_ADD(fuzz, read_only) { "backing=paged ro=1" };
FIXTURE_VARIANT_ADD(fuzz, huge) { "backing=paged granule=2M" };
FIXTURE_VARIANT_ADD(fuzz, dirty) { "backing=paged dirty=1" };
FIXTURE_VARIANT_ADD(fuzz, pages) { "backing=pages" };
FIXTURE_VARIANT_ADD(fuzz, contig) { "backing=contig" };

FIXTURE_SETUP(fuzz)
{
	char attrs[96];

	snprintf(attrs, sizeof(attrs), "size=%lu %s", SIZE, variant->attrs);
	ASSERT_EQ(0, region_create(&self->r, attrs));
	self->fd[0] = open(self->r.node, O_RDWR);
	self->fd[1] = open(self->r.node, O_RDONLY);
	ASSERT_LE(0, self->fd[0]);
	ASSERT_LE(0, self->fd[1]);
}

FIXTURE_TEARDOWN(fuzz)
{
	close(self->fd[0]);
	close(self->fd[1]);
	region_destroy(&self->r);
}

TEST_F(fuzz, random_class_values)
{
	char path[128], value[PAGE + 64];

	plant("class_values");
	for (int round = 0; round < 1000; round++) {
		const struct file_case *file = &class_files[next() % 2];
		size_t length = random_value(value, sizeof(value));
		int err;

		/* sysfs refuses longer writes without calling the driver. */
		if (!length || length >= PAGE)
			continue;
		snprintf(path, sizeof(path), CLASS "/%s/%s", self->r.name,
			 file->name);
		err = write_bytes(path, value, length);
		EXPECT_TRUE(is_listed(file->errnos, err)) {
			TH_LOG("%s=\"%.*s\": errno %d", file->name,
			       (int)length, value, err);
		}
	}
}

/* An argument of any kind, or a likely one: @room is a page before a hole. */
static unsigned long random_arg(const struct ioctl_case *c, u8 *room)
{
	size_t size = c->size ?: 8, claimed = size;
	bool likely = next() % 8 == 0;
	u8 *arg;

	switch (next() % 12) {
	case 0:
		return 0;
	case 1:
		return (u64)next() << 32 | next();
	case 2:
		return -(unsigned long)next();
	case 3:
		return (unsigned long)room + PAGE - next() % 64;
	case 4:
		claimed = next() % 200;
		break;
	case 5:
		claimed = random_number();
		break;
	}
	arg = room + PAGE - (claimed && claimed < PAGE / 2 ? claimed : size) -
	      next() % 2 * (next() % 256);
	for (size_t i = 0; i < 8 && arg + 8 * i + 8 <= room + PAGE; i++) {
		u64 number = likely ? next() % 32 * PAGE : random_number();

		memcpy(arg + 8 * i, &number, 8);
	}
	if (arg + 8 <= room + PAGE) {
		memcpy(arg, &(unsigned int){ claimed }, 4);
		memcpy(arg + 4, &(unsigned int){ next() % 8 ? 0 : next() }, 4);
	}
	return (unsigned long)arg;
}

static void try_ioctls(struct __test_metadata *_metadata, const int *fds,
		       unsigned int *done)
{
	u8 *room = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rounds = at_length() ? 4000 : 1000;

	ASSERT_NE(MAP_FAILED, room);
	munmap(room + PAGE, PAGE);
	for (int round = 0; round < rounds; round++) {
		unsigned int which = next() % ARRAY_SIZE(ioctls);
		const struct ioctl_case *c = &ioctls[which];
		unsigned long arg = random_arg(c, room);
		int err = 0;

		if (!c->size && next() % 2)
			arg = 0;
		if (ioctl(fds[next() % 8 == 0], c->cmd, arg))
			err = errno;
		EXPECT_TRUE(is_listed(c->errnos, err)) {
			TH_LOG("round %d: %s: errno %d", round, c->name, err);
		}
		done[which] += !err;
		/* It would be so, or very small, most of the time. */
		if (c->cmd == MAPDEV_IOC_RESIZE && next() % 4)
			region_resize(fds[0], SIZE);
		if (c->cmd == MAPDEV_IOC_REVOKE && next() % 4)
			ioctl(fds[0], MAPDEV_IOC_RESTORE, 0);
	}
	munmap(room, PAGE);
}

TEST_F(fuzz, random_ioctls)
{
	bool resizable = strstr(variant->attrs, "paged");
	unsigned int done[ARRAY_SIZE(ioctls)] = { 0 };

	plant("ioctls");
	try_ioctls(_metadata, self->fd, done);
	/* Not for nothing: each has worked, where it can. */
	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
		bool can = resizable || (ioctls[i].cmd != MAPDEV_IOC_RESIZE &&
					 ioctls[i].cmd != MAPDEV_IOC_DISCARD);

		/* Its list is somewhere else, and random. */
		if (ioctls[i].cmd == MAPDEV_IOC_DIRTY)
			continue;
		if (ioctls[i].cmd == MAPDEV_IOC_DISCARD)
			can &= !strstr(variant->attrs, "ro=1");
		EXPECT_EQ(can, done[i] > 0) {
			TH_LOG("%s", ioctls[i].name);
		}
	}
	/* The same for a retired region. */
	EXPECT_EQ(0, region_destroy(&self->r));
	try_ioctls(_metadata, self->fd, done);
}

TEST_F(fuzz, unknown_ioctls)
{
	plant("unknown_ioctls");
	for (int round = 0; round < 2000; round++) {
		unsigned int cmd = next();

		if (next() % 2)
			cmd = _IO(MAPDEV_IOC_MAGIC, 6 + next() % 250);
		/* Those that the VFS handles for any file, such as FIONBIO. */
		if (_IOC_TYPE(cmd) != MAPDEV_IOC_MAGIC ||
		    (_IOC_SIZE(cmd) == 0 && _IOC_DIR(cmd) == _IOC_NONE &&
		     _IOC_NR(cmd) < 6))
			continue;
		EXPECT_EQ(-1, ioctl(self->fd[0], cmd, next()));
		EXPECT_EQ(ENOTTY, errno);
	}
}

/*
 * Each structure, of each size, at the end of what is mapped: nothing is read
 * beyond it or written, and what lies before it stays.
 */
TEST_F(fuzz, page_end)
{
	u8 *room = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, room);
	munmap(room + PAGE, PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
		const struct ioctl_case *c = &ioctls[i];

		for (unsigned int size = 0; c->size && size < c->size + 40; size++) {
			u8 *arg = room + PAGE - size;
			int err;

			memset(room, 0xa5, PAGE);
			memset(arg, 0, size);
			if (size >= sizeof(unsigned int))
				memcpy(arg, &size, sizeof(unsigned int));
			err = ioctl(self->fd[0], c->cmd, arg) ? errno : 0;
			if (size < sizeof(unsigned int)) {
				EXPECT_TRUE(err == EFAULT || err == EACCES);
			} else if (size < c->size) {
				EXPECT_TRUE(err == EINVAL || err == EACCES);
			} else {
				EXPECT_NE(EFAULT, err);
				EXPECT_NE(E2BIG, err);
			}
			for (u8 *byte = room; byte < arg; byte++)
				ASSERT_EQ(0xa5, *byte);
			/* One command more than there is. */
			if (size < c->size || c->cmd != MAPDEV_IOC_INFO)
				continue;
			memset(arg, 0, size);
			memcpy(arg, &(unsigned int){ size + 1 }, sizeof(unsigned int));
			EXPECT_EQ(-1, ioctl(self->fd[0], c->cmd, arg));
			EXPECT_EQ(EFAULT, errno);
		}
	}
	munmap(room, PAGE);
}

/* As long as a page may be, if it is zero where it is not known; no longer. */
TEST_F(fuzz, long_structures)
{
	const unsigned int sizes[] = { PAGE, PAGE + 1, 2 * PAGE, UINT_MAX };
	unsigned int *arg = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, arg);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int err;

		memset(arg, 0, 3 * PAGE);
		arg[0] = sizes[i];
		err = ioctl(self->fd[0], MAPDEV_IOC_INFO, arg) ? errno : 0;
		EXPECT_EQ(sizes[i] > PAGE ? E2BIG : 0, err);
	}
	munmap(arg, 3 * PAGE);
}

/* An answer writes its fields only, and ends at its size. */
TEST_F(fuzz, answers)
{
	struct mapdev_info info;
	u8 buf[256];

	for (size_t size = sizeof(info); size < 200; size++) {
		memset(buf, 0x5a, sizeof(buf));
		memset(buf, 0, size);
		memcpy(buf, &(unsigned int){ size }, sizeof(unsigned int));
		ASSERT_EQ(0, ioctl(self->fd[0], MAPDEV_IOC_INFO, buf));
		memcpy(&info, buf, sizeof(info));
		EXPECT_EQ(size, info.size);
		EXPECT_EQ(0, info.flags);
		EXPECT_EQ(SIZE, info.length);
		for (size_t i = sizeof(info); i < size; i++)
			ASSERT_EQ(0, buf[i]);
		for (size_t i = size; i < sizeof(buf); i++)
			ASSERT_EQ(0x5a, buf[i]);
	}
}

TEST_HARNESS_MAIN
