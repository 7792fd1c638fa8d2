// SPDX-License-Identifier: GPL-2.0
/*
 * Each of samples/ is loaded, proved and unloaded: what holds for all of them,
 * then what each is there for. mmap_bar needs ivshmem-plain, 1af4:1110.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "sample.h"
#include "test.h"

/* As many bytes of a large BAR as an emulated CPU compares in a second. */
static size_t compared(const struct sample *s)
{
	return s->size < 1048576 ? s->size : 1048576;
}

/* --- What holds for all --- */

FIXTURE(samples) {
	struct sample s;
};

FIXTURE_VARIANT(samples) {
	const char *name;
	size_t pages;		/* 0: as many as the BAR has */
	bool eager;
	bool pins;		/* programs can pin its pages */
};

#define SAMPLE(_name, _pages, _eager, _pins)				\
	FIXTURE_VARIANT_ADD(samples, _name) {				\
		.name = "mmap_" #_name, .pages = _pages,		\
		.eager = _eager, .pins = _pins,				\
	};

SAMPLE(remap, 64, true, false)
SAMPLE(pages, 16, true, true)
SAMPLE(fault, 64, false, false)
SAMPLE(dirty, 64, false, false)
SAMPLE(bar, 0, false, false)

FIXTURE_SETUP(samples)
{
	if (!strcmp(variant->name, "mmap_bar") && !has_ivshmem())
		SKIP(return, "no PCI device of which there is a driver");
	ASSERT_EQ(0, sample_begin(&self->s, variant->name, variant->pages * PAGE, ""));
	ASSERT_LE(16 * PAGE, self->s.size);
}

FIXTURE_TEARDOWN(samples)
{
	EXPECT_EQ(0, sample_end(&self->s));
	EXPECT_NE(0, access(self->s.node, F_OK));
}

/* One memory for all: another process, another mapping, and from an offset. */
TEST_F(samples, memory_is_shared)
{
	size_t size = compared(&self->s);
	int status;
	pid_t pid;
	u8 *part;

	pid = fork();
	if (!pid) {
		u8 *own = map_part(&self->s, 0, size);

		fill(own, 0, size, 1);
		_exit(differs(self->s.map, 0, size, 1) != size);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(size, differs(self->s.map, 0, size, 1));

	part = map_part(&self->s, 5 * PAGE, 3 * PAGE);
	ASSERT_NE(MAP_FAILED, part);
	EXPECT_EQ(3 * PAGE, differs(part, 5 * PAGE, 3 * PAGE, 1));
	store_byte(part, 0x5a);
	EXPECT_EQ(0x5a, load_byte(self->s.map + 5 * PAGE));
	munmap(part, 3 * PAGE);
}

/* Eager: no touch is a fault. Else each page's first one is. */
TEST_F(samples, faults)
{
	u8 *own = map_part(&self->s, 0, self->s.size);
	long before, faults;

	ASSERT_NE(MAP_FAILED, own);
	before = minor_faults();
	for (size_t i = 0; i < self->s.size; i += PAGE)
		load_byte(own + i);
	faults = minor_faults() - before;
	EXPECT_EQ(variant->eager, faults < self->s.size / PAGE);
	munmap(own, self->s.size);
}

/* ids: MP-37 */
TEST_F(samples, bounds)
{
	const off_t far = (1ULL << 63) - PAGE;
	size_t size = self->s.size;
	int fd = self->s.fd;

	EXPECT_EQ(0, try_mmap(fd, PAGE, RW, MAP_SHARED, size - PAGE, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, PAGE, RW, MAP_SHARED, size, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, size + PAGE, RW, MAP_SHARED, 0, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, size, RW, MAP_SHARED, PAGE, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, PAGE, RW, MAP_SHARED, size * 2, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, PAGE, RW, MAP_SHARED, far, NULL));
	EXPECT_EQ(EINVAL, try_mmap(fd, 2 * PAGE, RW, MAP_SHARED, size - PAGE,
				   NULL));
}

/* mremap grows a mapping without asking the driver, unless VM_DONTEXPAND is set. */
TEST_F(samples, mremap_does_not_grow)
{
	size_t half = self->s.size / 2;
	u8 *own = map_part(&self->s, 0, half);

	ASSERT_NE(MAP_FAILED, own);
	EXPECT_EQ(MAP_FAILED, mremap(own, half, self->s.size + PAGE,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	munmap(own, half);
}

/* Moving works, and keeps the entries. */
/* ids: PA-43 */
TEST_F(samples, moves)
{
	size_t size = compared(&self->s);
	u8 *own = map_part(&self->s, 0, size), *to;

	ASSERT_NE(MAP_FAILED, own);
	fill(own, 0, size, 2);
	to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(to, mremap(own, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to));
	EXPECT_EQ(size, differs(to, 0, size, 2));
	munmap(to, size);
}

TEST_F(samples, no_private_copies)
{
	EXPECT_EQ(EINVAL, try_mmap(self->s.fd, PAGE, RW, MAP_PRIVATE, 0, NULL));
	EXPECT_EQ(EINVAL, try_mmap(self->s.fd, PAGE, PROT_READ, MAP_PRIVATE, 0,
				   NULL));
}

/* VM_SHARED is clear here, although the mapping is not MAP_PRIVATE. */
TEST_F(samples, read_only_file)
{
	int fd = open(self->s.node, O_RDONLY);
	u8 *own;

	ASSERT_LE(0, fd);
	store_byte(self->s.map, 77);
	ASSERT_EQ(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, 0, &own));
	EXPECT_EQ(77, load_byte(own));
	EXPECT_EQ(-1, mprotect(own, PAGE, RW));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(EACCES, try_mmap(fd, PAGE, RW, MAP_SHARED, 0, NULL));
	munmap(own, PAGE);
	close(fd);
}

TEST_F(samples, pins)
{
	u8 byte = 0;
	struct iovec local = { &byte, 1 }, remote = { self->s.map, 1 };
	ssize_t got;

	store_byte(self->s.map, 78);
	got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (variant->pins) {
		EXPECT_EQ(1, got);
		EXPECT_EQ(78, byte);
	} else {
		EXPECT_EQ(-1, got);
		EXPECT_EQ(EFAULT, errno);
	}
}

/* A mapping holds the file, and the file the module. Teardown unloads it. */
/* ids: PA-21 */
TEST_F(samples, module_stays_while_mapped)
{
	u8 *own = map_part(&self->s, 0, PAGE);

	ASSERT_NE(MAP_FAILED, own);
	close(self->s.fd);
	self->s.fd = -1;
	munmap(self->s.map, self->s.size);
	self->s.map = MAP_FAILED;
	EXPECT_EQ(EWOULDBLOCK, unload_sample(self->s.name));
	store_byte(own, 3);
	EXPECT_EQ(3, load_byte(own));
	munmap(own, PAGE);
}

/* But for mmap_bar: what lies behind a BAR is the device's business. */
TEST(memory_is_zeroed)
{
	const char * const names[] = {
		"mmap_remap", "mmap_pages", "mmap_fault", "mmap_dirty",
	};
	struct sample s;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		/* The memory it freed is likely to be allocated again. */
		EXPECT_EQ(0, sample_begin(&s, names[i], 16 * PAGE, ""));
		memset(s.map, 0xa5, s.size);
		EXPECT_EQ(0, sample_end(&s));
		EXPECT_EQ(0, sample_begin(&s, names[i], 16 * PAGE, ""));
		EXPECT_TRUE(all_zero(s.map, s.size)) {
			TH_LOG("%s", names[i]);
		}
		EXPECT_EQ(0, sample_end(&s));
	}
}

/* --- mmap_remap: the right frames, and an object that is read-only --- */

FIXTURE(remap) {
	struct sample s;
};

FIXTURE_SETUP(remap)
{
	ASSERT_EQ(0, sample_begin(&self->s, "mmap_remap", 64 * PAGE, ""));
}

FIXTURE_TEARDOWN(remap)
{
	EXPECT_EQ(0, sample_end(&self->s));
}

TEST_F(remap, kernel_sees_the_same)
{
	u8 buf[3 * PAGE];

	fill(self->s.map, 0, self->s.size, 3);
	ASSERT_EQ(sizeof(buf), pread(self->s.fd, buf, sizeof(buf), 7 * PAGE));
	EXPECT_EQ(sizeof(buf), differs(buf, 7 * PAGE, sizeof(buf), 3));
}

TEST(read_only_object)
{
	u8 *own = NULL;
	int fd;

	ASSERT_EQ(0, load_sample("mmap_remap", "readonly=1"));
	fd = open("/dev/mmap_remap", O_RDWR);
	EXPECT_EQ(EPERM, try_mmap(fd, PAGE, RW, MAP_SHARED, 0, NULL));
	EXPECT_EQ(0, try_mmap(fd, PAGE, PROT_READ, MAP_SHARED, 0, &own));
	EXPECT_EQ(0, touch_read(own));
	EXPECT_EQ(SIGSEGV, touch_write(own));
	EXPECT_EQ(-1, mprotect(own, PAGE, RW));
	EXPECT_EQ(EACCES, errno);
	munmap(own, PAGE);
	close(fd);
	EXPECT_EQ(0, unload_sample("mmap_remap"));
}

/* --- mmap_pages: every mapping is counted, pages come again --- */

FIXTURE(pages) {
	struct sample s;
};

FIXTURE_SETUP(pages)
{
	ASSERT_EQ(0, sample_begin(&self->s, "mmap_pages", 16 * PAGE, ""));
}

FIXTURE_TEARDOWN(pages)
{
	EXPECT_EQ(0, sample_end(&self->s));
}

static int count_mapped(void)
{
	char line[16];

	return atoi(read_line("/sys/module/mmap_pages/parameters/mappings",
			      line, sizeof(line)));
}

/* ids: LK-53 */
TEST_F(pages, counts_mappings)
{
	int seen[2];
	u8 *other;
	pid_t pid;

	EXPECT_EQ(1, count_mapped());
	other = map_part(&self->s, 0, 4 * PAGE);
	EXPECT_EQ(2, count_mapped());
	munmap(other + PAGE, PAGE);
	EXPECT_EQ(3, count_mapped());
	munmap(other, 4 * PAGE);
	EXPECT_EQ(1, count_mapped());

	ASSERT_EQ(0, pipe(seen));
	pid = fork();
	if (!pid) {
		int count = count_mapped();

		_exit(write(seen[1], &count, sizeof(count)) != sizeof(count));
	}
	waitpid(pid, NULL, 0);
	ASSERT_EQ(sizeof(int), read(seen[0], &seen[1], sizeof(int)));
	EXPECT_EQ(2, seen[1]);
	EXPECT_EQ(1, count_mapped());
}

TEST_F(pages, dropped_pages_fault_in)
{
	fill(self->s.map, 0, self->s.size, 4);
	ASSERT_EQ(0, madvise(self->s.map, self->s.size, MADV_DONTNEED));
	EXPECT_EQ(self->s.size, differs(self->s.map, 0, self->s.size, 4));
}

/* --- mmap_fault: revoke and restore --- */

FIXTURE(fault) {
	struct sample s;
};

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, sample_begin(&self->s, "mmap_fault", 64 * PAGE, ""));
}

FIXTURE_TEARDOWN(fault)
{
	EXPECT_EQ(0, sample_end(&self->s));
}

/* ids: PA-25 */
TEST_F(fault, revoke_and_renew)
{
	struct sample other = self->s;
	u8 *own;

	other.fd = open_other_node(&self->s);
	ASSERT_LE(0, other.fd);
	own = map_part(&other, 0, other.size);
	ASSERT_NE(MAP_FAILED, own);
	fill(own, 0, other.size, 5);
	EXPECT_EQ(self->s.size, differs(self->s.map, 0, self->s.size, 5));

	ASSERT_EQ(1, write(self->s.fd, "1", 1));
	for (size_t i = 0; i < self->s.size; i += PAGE) {
		ASSERT_EQ(SIGBUS, touch_read(self->s.map + i));
		ASSERT_EQ(SIGBUS, touch_write(own + i));
	}
	EXPECT_EQ(SIGBUS, touch_in_child(self->s.map));

	ASSERT_EQ(1, write(self->s.fd, "0", 1));
	EXPECT_TRUE(all_zero(self->s.map, self->s.size));
	store_byte(own + PAGE, 9);
	EXPECT_EQ(9, load_byte(self->s.map + PAGE));

	/* Unloaded while it is revoked, by the teardown. */
	ASSERT_EQ(1, write(self->s.fd, "1", 1));
	munmap(own, other.size);
	close(other.fd);
}

TEST_F(fault, write_needs_a_bool)
{
	EXPECT_EQ(-1, write(self->s.fd, "maybe", 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, touch_read(self->s.map));
}

static atomic_bool over;

static void *touch_all(void *data)
{
	struct sample *s = data;

	/* By the kernel, which says EFAULT and raises no signal. */
	while (!atomic_load(&over))
		for (size_t i = 0; i < s->size; i += PAGE)
			syscall(SYS_getrandom, s->map + i, 1, 0);
	return NULL;
}

/* A touch during a revoke fails, or sees the old pages: never freed memory. */
/* ids: PA-39 */
TEST_F(fault, revoke_while_touched)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, touch_all, &self->s));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(1, write(self->s.fd, "1", 1));
		for (size_t page = 0; page < 4; page++)
			ASSERT_EQ(-1, syscall(SYS_getrandom,
					      self->s.map + page * PAGE, 1, 0));
		ASSERT_EQ(1, write(self->s.fd, "0", 1));
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
}

/* --- mmap_dirty: exactly what was written to --- */

#define DIRTY_PAGES 64
#define DIRTY_IOC_COLLECT _IO('M', 0xd1)

FIXTURE(dirty) {
	struct sample s;
};

FIXTURE_SETUP(dirty)
{
	ASSERT_EQ(0, sample_begin(&self->s, "mmap_dirty", DIRTY_PAGES * PAGE,
				  ""));
}

FIXTURE_TEARDOWN(dirty)
{
	EXPECT_EQ(0, sample_end(&self->s));
}

/* The set as a mask; it is empty afterwards. */
static u64 collect(const struct sample *s)
{
	u64 set = 0;

	for (int i = 0; i < DIRTY_PAGES; i++)
		if (ioctl(s->fd, DIRTY_IOC_COLLECT, i) == 1)
			set |= 1ULL << i;
	return set;
}

TEST_F(dirty, set_is_exact)
{
	struct sample other = self->s;
	u64 want, random = 1;
	u8 *own;

	other.fd = open_other_node(&self->s);
	own = map_part(&other, 0, other.size);
	ASSERT_NE(MAP_FAILED, own);
	EXPECT_EQ(0, collect(&self->s));
	for (int round = 0; round < 20; round++) {
		want = 0;
		for (int i = 0; i < DIRTY_PAGES; i++) {
			random = random * 6364136223846793005ULL + 1;
			switch (random >> 62) {
			case 0:		/* by the one mapping, or the other */
				store_byte(self->s.map + i * PAGE, round);
				want |= 1ULL << i;
				break;
			case 1:
				store_byte(own + i * PAGE, round);
				want |= 1ULL << i;
				break;
			case 2:
				load_byte(own + i * PAGE);
				break;
			}
		}
		ASSERT_EQ(want, collect(&self->s));
		ASSERT_EQ(0, collect(&self->s));
	}
	munmap(own, other.size);
	close(other.fd);
}

TEST_F(dirty, mprotect_is_no_write)
{
	fill(self->s.map, 0, self->s.size, 6);
	EXPECT_EQ(-1ULL, collect(&self->s));
	ASSERT_EQ(0, mprotect(self->s.map, self->s.size, PROT_READ));
	ASSERT_EQ(0, mprotect(self->s.map, self->s.size, RW));
	EXPECT_EQ(self->s.size, differs(self->s.map, 0, self->s.size, 6));
	EXPECT_EQ(0, collect(&self->s));
	store_byte(self->s.map + 9 * PAGE, 1);
	EXPECT_EQ(1ULL << 9, collect(&self->s));
}

TEST_F(dirty, arguments)
{
	EXPECT_EQ(-1, ioctl(self->s.fd, DIRTY_IOC_COLLECT, DIRTY_PAGES));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->s.fd, DIRTY_IOC_COLLECT, -1UL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->s.fd, DIRTY_IOC_COLLECT + 1, 0));
	EXPECT_EQ(ENOTTY, errno);
}

static void *write_all(void *data)
{
	struct sample *s = data;
	unsigned int random = 1;

	while (!atomic_load(&over)) {
		random = random * 1103515245 + 12345;
		__atomic_fetch_add((u64 *)(s->map + (random >> 16) %
					   DIRTY_PAGES * PAGE), 1,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

/* A copy that takes over what is dirty, after the set was asked, is complete. */
TEST_F(dirty, no_write_is_lost)
{
	const int rounds = at_length() ? 300 : 60;
	u64 copy[DIRTY_PAGES] = {};
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, write_all, &self->s));
	for (int round = 0; round < rounds; round++) {
		u64 set;

		if (round == rounds - 1) {
			atomic_store(&over, true);
			pthread_join(thread, NULL);
		}
		set = collect(&self->s);
		for (int i = 0; i < DIRTY_PAGES; i++)
			if (set >> i & 1)
				__atomic_load((u64 *)(self->s.map + i * PAGE),
					      &copy[i], __ATOMIC_RELAXED);
	}
	for (int i = 0; i < DIRTY_PAGES; i++)
		EXPECT_EQ(*(u64 *)(self->s.map + i * PAGE), copy[i]);
}

/* --- mmap_bar: a device that goes while it is mapped --- */

FIXTURE(bar) {
	struct sample s;
};

FIXTURE_SETUP(bar)
{
	if (!has_ivshmem())
		SKIP(return, "no PCI device of which there is a driver");
	ASSERT_EQ(0, sample_begin(&self->s, "mmap_bar", 0, ""));
}

FIXTURE_TEARDOWN(bar)
{
	EXPECT_EQ(0, sample_end(&self->s));
}

/* The PCI core's own view of the BAR. */
TEST_F(bar, bar_is_the_device)
{
	size_t size = compared(&self->s);
	char path[160];
	u8 *other;
	int fd;

	fd = open(pci_path(&self->s.pci, "resource2_wc", path, sizeof(path)),
		  O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, try_mmap(fd, size, RW, MAP_SHARED, 0, &other));
	fill(self->s.map, 0, size, 7);
	EXPECT_EQ(size, differs(other, 0, size, 7));
	munmap(other, size);
	close(fd);
}

/* Is a range of addresses reserved as write-combining? */
static bool is_reserved_wc(u64 start, size_t size)
{
	char want[96], line[256];
	bool found = false;
	FILE *file = fopen("/sys/kernel/debug/x86/pat_memtype_list", "r");

	snprintf(want, sizeof(want), "[mem 0x%016llx-0x%016llx] write-combining",
		 start, start + size);
	while (file && fgets(line, sizeof(line), file))
		found |= !!strstr(line, want);
	if (file)
		fclose(file);
	return found;
}

/* vmf_insert_pfn() asks for the cache mode that is reserved, so it must be. */
/* ids: ME-29 */
TEST_F(bar, bar_is_write_combining)
{
	u64 size, start = pci_bar(&self->s.pci, 2, &size);

	load_byte(self->s.map);
	EXPECT_TRUE(is_reserved_wc(start, size));
	ASSERT_EQ(0, pci_unbind(&self->s.pci));
	EXPECT_FALSE(is_reserved_wc(start, size));
}

TEST_F(bar, unbind_while_mapped)
{
	struct sample other = self->s;
	u8 *own;

	other.fd = open_other_node(&self->s);
	ASSERT_LE(0, other.fd);
	own = map_part(&other, 0, other.size);
	ASSERT_NE(MAP_FAILED, own);
	store_byte(own, 1);
	EXPECT_EQ(0, touch_in_child(self->s.map));

	ASSERT_EQ(0, pci_unbind(&self->s.pci));
	EXPECT_EQ(SIGBUS, touch_read(self->s.map));
	EXPECT_EQ(SIGBUS, touch_write(self->s.map + self->s.size - PAGE));
	EXPECT_EQ(SIGBUS, touch_write(own));
	EXPECT_EQ(SIGBUS, touch_in_child(own));
	EXPECT_EQ(ENODEV, try_mmap(self->s.fd, PAGE, RW, MAP_SHARED, 0, NULL));
	EXPECT_EQ(-1, open(self->s.node, O_RDWR));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(EWOULDBLOCK, unload_sample(self->s.name));

	/* The device comes back for new opens, not for old files. */
	ASSERT_EQ(0, pci_bind(&self->s.pci, self->s.name));
	munmap(own, other.size);
	close(other.fd);
	EXPECT_EQ(SIGBUS, touch_read(self->s.map));
	other.fd = open(self->s.node, O_RDWR);
	ASSERT_LE(0, other.fd);
	own = map_part(&other, 0, PAGE);
	EXPECT_EQ(0, touch_write(own));
	munmap(own, PAGE);
	close(other.fd);
}

/* Unbound while a thread touches it without pause, again and again. */
TEST_F(bar, unbind_while_touched)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, touch_all, &self->s));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, pci_unbind(&self->s.pci));
		ASSERT_EQ(-1, syscall(SYS_getrandom, self->s.map, 1, 0));
		ASSERT_EQ(0, pci_bind(&self->s.pci, self->s.name));
		close(self->s.fd);
		self->s.fd = open(self->s.node, O_RDWR | O_CLOEXEC);
		ASSERT_EQ(self->s.map, mmap(self->s.map, self->s.size, RW,
					    MAP_SHARED | MAP_FIXED, self->s.fd,
					    0));
		ASSERT_EQ(0, touch_write(self->s.map));
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
}

/* --- mmap_forms: the old form and the new one map the same --- */

#define FORM_SIZE (16 * PAGE)

FIXTURE(forms) {
	u8 *want, *map;
	int fd;
};

FIXTURE_VARIANT(forms) {
	const char *name, *reference;
	bool swapped;		/* the halves change places */
	bool whole;		/* only all of it can be mapped */
};

#define FORM(_name, _reference, ...)					\
	FIXTURE_VARIANT_ADD(forms, _name) {				\
		.name = #_name, .reference = #_reference, __VA_ARGS__	\
	};

FORM(old_remap, old_io_remap)
FORM(old_io_remap, new_io_remap)
FORM(new_io_remap, old_remap)
FORM(old_iomap, old_remap)
FORM(new_iomap, old_remap)
FORM(old_insert, old_remap)
FORM(old_pages, old_remap)
FORM(old_vmalloc, new_vmalloc)
FORM(new_vmalloc, old_vmalloc)
FORM(old_extents, old_remap, .swapped = true, .whole = true)
FORM(new_extents, old_remap, .swapped = true)
FORM(old_fault, old_remap, .swapped = true)
FORM(old_wrapper, old_remap)
FORM(new_wrapper, old_remap)

static int open_form(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/form-%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(forms)
{
	int fd;

	ASSERT_EQ(0, load_sample("mmap_forms", ""));
	fd = open_form(variant->reference);
	ASSERT_EQ(0, try_mmap(fd, FORM_SIZE, RW, MAP_SHARED, 0, &self->want));
	close(fd);
	self->fd = open_form(variant->name);
	ASSERT_EQ(0, try_mmap(self->fd, FORM_SIZE, RW, MAP_SHARED, 0,
			      &self->map));
}

FIXTURE_TEARDOWN(forms)
{
	munmap(self->map, FORM_SIZE);
	munmap(self->want, FORM_SIZE);
	close(self->fd);
	EXPECT_EQ(0, unload_sample("mmap_forms"));
}

/* ids: MP-33 MP-42 LK-19 */
TEST_F(forms, map_the_same)
{
	size_t half = FORM_SIZE / 2, size = 3 * PAGE;
	u8 *part;
	int err;

	fill(self->want, 0, FORM_SIZE, 8);
	if (variant->swapped) {
		EXPECT_EQ(half, differs(self->map, half, half, 8));
		EXPECT_EQ(half, differs(self->map + half, 0, half, 8));
	} else {
		EXPECT_EQ(FORM_SIZE, differs(self->map, 0, FORM_SIZE, 8));
	}
	store_byte(self->map, 1);
	EXPECT_EQ(1, load_byte(self->want + (variant->swapped ? half : 0)));

	/* From an offset, in the second half. */
	err = try_mmap(self->fd, size, RW, MAP_SHARED, half + PAGE, &part);
	EXPECT_EQ(variant->whole ? EINVAL : 0, err);
	if (!err) {
		EXPECT_EQ(size, differs(part, variant->swapped ? PAGE :
					half + PAGE, size, 8));
		munmap(part, size);
	}
}

TEST_F(forms, mapping_ends_with_buffer)
{
	EXPECT_NE(0, try_mmap(self->fd, PAGE, RW, MAP_SHARED, FORM_SIZE, NULL));
	EXPECT_NE(0, try_mmap(self->fd, FORM_SIZE + PAGE, RW, MAP_SHARED, 0,
			      NULL));
}

TEST_HARNESS_MAIN
