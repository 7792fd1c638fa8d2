// SPDX-License-Identifier: GPL-2.0
/*
 * paint FRAMES REGISTERS SHARED: use windows of PCI devices, and have a witness outside
 * of the virtual machine check the effect.
 *
 *   FRAMES     BAR 0 of QEMU's graphics adapter, its frame buffer
 *   REGISTERS  BAR 2 of the adapter
 *   SHARED     BAR 2 of an ivshmem device, memory shared with the host
 *
 * The witness is scripts/vm/witness, at the other end of a virtio port. It dumps the
 * screen and opens the file behind the shared memory. It computes the expected contents
 * itself, from a random number that it chose.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDTH	1024
#define HEIGHT	768
#define CELL	(WIDTH / 48)	/* size of a cell of the text in the picture */

/* Registers of the adapter: VGA at 0x400, mode at 0x500. */
#define VGA_ATTRIBUTE	0x400
#define VGA_STATUS	0x41a
#define MODE(index)	(0x500 + 2 * (index))
#define MODE_WIDTH	1
#define MODE_HEIGHT	2
#define MODE_DEPTH	3
#define MODE_ENABLE	4
#define MODE_X		8
#define MODE_Y		9
#define MODE_ON		0x41	/* enabled, with a linear frame buffer */

struct window {
	void *at;
	size_t size;
};

static FILE *witness;

/* Open the port of the witness, by the name that the host gave it. */
static void open_witness(void)
{
	static const char *class = "/sys/class/virtio-ports";
	char path[300], name[64];
	struct dirent *entry;
	DIR *dir = opendir(class);

	while (dir && (entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s/name", class, entry->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(name, sizeof(name), file))
			name[0] = '\0';
		if (file)
			fclose(file);
		if (strcmp(name, "mapdev.witness\n"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		closedir(dir);
		witness = fopen(path, "r+e");
		if (!witness)
			err(1, "%s", path);
		setvbuf(witness, NULL, _IONBF, 0);
		return;
	}
	errx(1, "no witness: use scripts/vm/boot --devices");
}

/* Send a question, and wait for the answer. */
static const char *ask(const char *format, ...)
{
	static char answer[256];
	char question[128];
	va_list args;

	va_start(args, format);
	vsnprintf(question, sizeof(question), format, args);
	va_end(args);
	/* Flush the write-combining buffers first. */
	__sync_synchronize();
	if (write(fileno(witness), question, strlen(question)) < 0)
		err(1, "port of the witness");
	if (!fgets(answer, sizeof(answer), witness))
		errx(1, "the witness has exited");
	answer[strcspn(answer, "\n")] = '\0';
	return answer;
}

static void must_be_yes(const char *answer, const char *what)
{
	if (strcmp(answer, "yes"))
		errx(1, "%s: the witness says %s", what, answer);
	printf("  host   %s: verified\n", what);
}

static struct window map_window(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct window window;

	if (fd < 0)
		err(1, "%s", path);
	window.size = lseek(fd, 0, SEEK_END);
	window.at = mmap(NULL, window.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (window.at == MAP_FAILED)
		err(1, "%s: mmap", path);
	close(fd);
	printf("  guest  maps %s, %zu KiB\n", path, window.size / 1024);
	return window;
}

static void set_register(const struct window *registers, unsigned int index, uint16_t value)
{
	uint16_t *reg = registers->at + MODE(index);

	/* volatile: one access of the width of the register. */
	__atomic_store_n(reg, value, __ATOMIC_RELAXED);
	if (__atomic_load_n(reg, __ATOMIC_RELAXED) != value)
		errx(1, "the register at %#x does not keep its value", MODE(index));
}

/* After a reset the screen is dark until bit 5 of this register is set. */
static void unblank(const struct window *registers)
{
	uint8_t *vga = registers->at;

	(void)__atomic_load_n(vga + VGA_STATUS, __ATOMIC_RELAXED);
	__atomic_store_n(vga + VGA_ATTRIBUTE, 0x20, __ATOMIC_RELAXED);
}

static void set_mode(const struct window *registers)
{
	set_register(registers, MODE_ENABLE, 0);
	set_register(registers, MODE_WIDTH, WIDTH);
	set_register(registers, MODE_HEIGHT, HEIGHT);
	set_register(registers, MODE_DEPTH, 32);
	set_register(registers, MODE_ENABLE, MODE_ON);
	set_register(registers, MODE_X, 0);
	set_register(registers, MODE_Y, 0);
	unblank(registers);
	printf("  guest  sets %d x %d pixels\n", WIDTH, HEIGHT);
}

static const char * const word[] = {
	"......................#............",
	"......................#............",
	"##.#...###..####...####..###..#...#",
	"#.#.#.....#.#...#.#...#.#...#.#...#",
	"#.#.#..####.#...#.#...#.#####.#...#",
	"#.#.#.#...#.#...#.#...#.#......#.#.",
	"#.#.#..####.####...####..###....#..",
	"............#......................",
	"............#......................",
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WORD_WIDTH	((int)strlen(word[0]))
#define WORD_HEIGHT	((int)ARRAY_SIZE(word))

static int in_word(int x, int y)
{
	int left = x - (WIDTH - WORD_WIDTH * CELL) / 2;
	int above = y - (HEIGHT - WORD_HEIGHT * CELL) / 2;

	if (left < 0 || above < 0 || left / CELL >= WORD_WIDTH || above / CELL >= WORD_HEIGHT)
		return 0;
	return word[above / CELL][left / CELL] == '#';
}

/* As 0xRRGGBB. */
static uint32_t color(uint32_t x, uint32_t y, uint32_t seed)
{
	if (in_word(x, y))
		return 0xffffff;
	return (x * 255 / (WIDTH - 1)) << 16 | (y * 255 / (HEIGHT - 1)) << 8 |
		(((x ^ y) + seed) & 255);
}

static void draw(const struct window *frames, uint32_t seed)
{
	uint32_t *pixels = frames->at;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = color(x, y, seed);
	printf("  guest  draws %d pixels\n", WIDTH * HEIGHT);
}

static void fill(const struct window *shared, uint64_t seed)
{
	uint64_t *words = shared->at;

	for (uint64_t i = 0; i < shared->size / 8; i++)
		words[i] = i * 0x9e3779b97f4a7c15 + seed;
	printf("  guest  writes %zu KiB of shared memory\n", shared->size / 1024);
}

/* SHA-256 of a copy, with coreutils. digest has room for 64 digits and a NUL. */
static void sha256(const struct window *shared, char *digest)
{
	int fd = memfd_create("copy", 0);
	char command[64];
	FILE *sum;

	if (fd < 0 || write(fd, shared->at, shared->size) != (ssize_t)shared->size)
		err(1, "copying the window");
	snprintf(command, sizeof(command), "sha256sum /proc/%d/fd/%d", getpid(), fd);
	sum = popen(command, "r");
	if (!sum || fscanf(sum, "%64[0-9a-f]", digest) != 1 || pclose(sum))
		errx(1, "sha256sum failed");
	close(fd);
}

int main(int argc, char **argv)
{
	struct window frames, registers, shared;
	char digest[65];
	uint32_t seed;

	if (argc != 4) {
		fprintf(stderr, "usage: paint FRAMES REGISTERS SHARED\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_witness();
	seed = strtoul(ask("hello\n"), NULL, 10);

	registers = map_window(argv[2]);
	set_mode(&registers);
	frames = map_window(argv[1]);
	draw(&frames, seed);
	must_be_yes(ask("screen %d %d\n", WIDTH, HEIGHT), "a dump of the screen has each pixel");

	shared = map_window(argv[3]);
	fill(&shared, seed);
	must_be_yes(ask("wrote\n"), "the file behind the memory has each byte");

	ask("fill\n");
	printf("  host   writes random bytes into that file\n");
	sha256(&shared, digest);
	printf("  guest  reads them through the mapping: SHA-256 %.16s...\n", digest);
	must_be_yes(ask("read %s\n", digest), "it is that of what was written");
	return 0;
}
