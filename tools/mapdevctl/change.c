// SPDX-License-Identifier: GPL-2.0
/*
 * The commands that change a region. If the kernel refuses, each exits with a
 * message that says what to do about it.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/mapdev.h>

#include "mapdevctl.h"

/* Write a value to a file. Return 0 or an errno. */
static int put(const char *path, const char *value)
{
	/* An empty write succeeds in sysfs, and fails with EFAULT in configfs. */
	const char *text = *value ? value : "\n";
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;
	ssize_t got;

	if (fd < 0)
		return errno;
	got = write(fd, text, strlen(text));
	if (got < 0)
		error = errno;
	else if (text[got])
		error = EINVAL;
	close(fd);
	return error;
}

#define fail(...) errx(EXIT_FAILED, __VA_ARGS__)

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* One message for all kinds of missing permission. */
static void need_root(int error)
{
	if (error == EACCES || error == EPERM)
		fail("need root: %s", strerror(error));
}

static bool is_loaded(void)
{
	return is_dir("/sys/module/mapdev");
}

/* modprobe prints why it fails. */
static void load_module(void)
{
	pid_t pid;
	int status;

	if (geteuid())
		need_root(EPERM);
	pid = fork();
	if (!pid) {
		execlp("modprobe", "modprobe", "mapdev", NULL);
		execl("/sbin/modprobe", "modprobe", "mapdev", NULL);
		err(EXIT_FAILED, "modprobe");
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(EXIT_FAILED, "modprobe");
	if (status || !is_loaded())
		fail("mapdev is not loaded, and modprobe mapdev failed");
}

/* Exit with the reason if configfs has no directory of mapdev. */
static void need_configfs(void)
{
	if (is_dir(CONFIG_DIR))
		return;
	if (!is_loaded())
		fail("mapdev is not loaded: modprobe mapdev");
	if (!is_dir(CONFIG_ROOT))
		fail("this kernel has no configfs: modprobe configfs");
	fail("no " CONFIG_DIR ": mount -t configfs none " CONFIG_ROOT);
}

static void check_name(const char *name)
{
	size_t length = strlen(name);
	bool valid = length > 0 && length <= MAPDEV_NAME_MAX && name[0] != '.';

	for (const char *c = name; *c; c++)
		valid &= isalnum((unsigned char)*c) || strchr("._-", *c);
	if (!valid)
		fail("\"%s\" cannot be a name: 1 to %d of A-Za-z0-9._- not beginning with a dot",
		     name, MAPDEV_NAME_MAX);
}

static bool has_region(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS_DIR "/%s", name);
	return is_dir(path);
}

/*
 * The kernel's reason for the error of the last write to a file of the directory.
 * Without one, what the errno says.
 */
static const char *reason(const char *region, int error)
{
	static char line[512];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), CONFIG_DIR "/%s/error", region);
	file = fopen(path, "re");
	if (!file)
		return strerror(error);
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line[0] && line[0] != '-' ? line : strerror(error);
}

/* Write an attribute of the directory, or "live". Return 0 or an errno. */
static int set(const char *region, const char *attribute, const char *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CONFIG_DIR "/%s/%s", region, attribute);
	return put(path, value);
}

static void undo(const char *region)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CONFIG_DIR "/%s", region);
	rmdir(path);
}

/* Exit because the path of the node is not the node of the region. */
static void no_node(const char *region, int error)
{
	if (error == EEXIST)
		fail(NODE_DIR "/%s: %s, and is not the node of region %s",
		     region, strerror(error), region);
	fail("no node " NODE_DIR "/%s: %s; is devtmpfs mounted on /dev?",
	     region, strerror(error));
}

static int is_attribute(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "live") &&
	       strcmp(entry->d_name, "error");
}

/* Exit with the names that can be set. */
static void no_attribute(const char *region, const char *attribute)
{
	char path[PATH_MAX], names[512] = "";
	struct dirent **entries;
	int n;

	snprintf(path, sizeof(path), CONFIG_DIR "/%s", region);
	n = scandir(path, &entries, is_attribute, alphasort);
	for (int i = 0; i < n; i++) {
		strncat(names, " ", sizeof(names) - strlen(names) - 1);
		strncat(names, entries[i]->d_name, sizeof(names) - strlen(names) - 1);
	}
	undo(region);
	fail("no attribute \"%s\"; there are%s", attribute, names);
}

static void set_or_undo(const char *region, const char *attribute, const char *value)
{
	const char *why;
	int error;

	if (strchr(attribute, '/') || !strcmp(attribute, "error"))
		no_attribute(region, attribute);
	error = set(region, attribute, value);
	if (!error)
		return;
	if (error == ENOENT)
		no_attribute(region, attribute);
	why = reason(region, error);
	undo(region);
	fail("cannot make region %s: %s", region, why);
}

/* create NAME SIZE [ATTRIBUTE=VALUE]... */
void cmd_create(const struct options *options)
{
	const char *name = options->region;
	char path[PATH_MAX];
	int error;

	check_name(name);
	if (!is_loaded())
		load_module();
	need_configfs();
	snprintf(path, sizeof(path), CONFIG_DIR "/%s", name);
	if (mkdir(path, 0755)) {
		need_root(errno);
		if (errno == EEXIST)
			fail("region %s exists; mapdevctl destroy %s retires it",
			     name, name);
		err(EXIT_FAILED, "%s", path);
	}

	set_or_undo(name, "size", options->args[0]);
	for (int i = 1; i < options->nargs; i++) {
		char *value = strchr(options->args[i], '=');

		if (!value || !strncmp(options->args[i], "live=", 5)) {
			undo(name);
			errx(EXIT_USAGE, "\"%s\" is not ATTRIBUTE=VALUE", options->args[i]);
		}
		*value++ = '\0';
		set_or_undo(name, options->args[i], value);
	}
	set_or_undo(name, "live", "1");
	if (!has_node(name)) {
		error = errno;
		undo(name);
		no_node(name, error);
	}
}

/* Exit with what ends a region that has no directory in configfs. */
static void not_ours(const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	char *driver, *device;

	snprintf(path, sizeof(path), CLASS_DIR "/%s/device/driver", name);
	driver = realpath(path, target) ? strdup(target) : NULL;
	snprintf(path, sizeof(path), CLASS_DIR "/%s/device", name);
	device = realpath(path, target);
	if (driver && device)
		fail("region %s was made by the driver of %s; this ends it: echo %s > %s/unbind",
		     name, basename(device), basename(device), driver);
	fail("region %s was not made by create: it ends when the module that made it is unloaded",
	     name);
}

void cmd_destroy(const struct options *options)
{
	const char *name = options->region;
	char path[PATH_MAX];

	check_name(name);
	need_configfs();
	snprintf(path, sizeof(path), CONFIG_DIR "/%s", name);
	if (!rmdir(path))
		return;
	need_root(errno);
	if (errno != ENOENT)
		err(EXIT_FAILED, "%s", path);
	if (has_region(name))
		not_ours(name);
	need_region(name);
}

static void set_revoked(const char *name, const char *value, const char *already)
{
	char path[PATH_MAX];
	int error;

	need_region(name);
	snprintf(path, sizeof(path), CLASS_DIR "/%s/revoked", name);
	error = put(path, value);
	need_root(error);
	if (error == EALREADY)
		fail("region %s %s", name, already);
	if (error)
		fail("region %s: %s", name, strerror(error));
}

void cmd_revoke(const struct options *options)
{
	set_revoked(options->region, "1", "is revoked already; mapdevctl restore undoes it");
}

void cmd_restore(const struct options *options)
{
	set_revoked(options->region, "0", "is not revoked");
}

static bool is_paged(const char *region)
{
	char backing[128];

	return read_attribute(region, "backing", backing) &&
	       !strcmp(backing, "paged");
}

/* Write a size where the kernel gives a reason, or else in sysfs. */
static int resize(const char *region, const char *size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CONFIG_DIR "/%s", region);
	if (is_dir(path))
		return set(region, "size", size);
	snprintf(path, sizeof(path), CLASS_DIR "/%s/size", region);
	return put(path, size);
}

void cmd_resize(const struct options *options)
{
	const char *name = options->region;
	int error;

	need_region(name);
	error = resize(name, options->args[0]);
	if (!error)
		return;
	need_root(error);
	if (!is_paged(name))
		fail("region %s has memory of a fixed size; only paged can be resized", name);
	if (error == ENODEV)
		fail("region %s is revoked; mapdevctl restore %s undoes it", name, name);
	fail("region %s: %s", name, reason(name, error));
}

/* Parse a number of bytes with an optional K, M or G. */
static unsigned long long parse_bytes(const char *text)
{
	unsigned int shift = 0;
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (end > text && *end) {
		const char *unit = strchr("KMG", *end);

		if (unit && !end[1]) {
			shift = 10 * (unit - "KMG" + 1);
			end++;
		}
	}
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9' ||
	    number > ULLONG_MAX >> shift)
		errx(EXIT_USAGE, "\"%s\" is not a size: digits, optionally K, M or G", text);
	return number << shift;
}

/* Open the node of a region for writing. */
int open_node(const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	need_region(name);
	if (!has_node(name) && (errno == EEXIST || errno == ENOENT))
		no_node(name, errno);
	snprintf(path, sizeof(path), NODE_DIR "/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == EACCES && !stat(path, &st))
		fail("%s: %s: its mode is %04o, of user %u and group %u", path,
		     strerror(EACCES), st.st_mode & 07777, st.st_uid, st.st_gid);
	need_root(errno);
	if (errno == ENODEV)
		fail("region %s is revoked; mapdevctl restore %s undoes it", name, name);
	err(EXIT_FAILED, "%s", path);
}

void cmd_discard(const struct options *options)
{
	struct mapdev_discard range = {
		.size	= sizeof(range),
		.offset	= parse_bytes(options->args[0]),
		.length	= parse_bytes(options->args[1]),
	};
	const char *name = options->region;
	int fd = open_node(name);

	if (!ioctl(fd, MAPDEV_IOC_DISCARD, &range)) {
		close(fd);
		return;
	}
	switch (errno) {
	case EACCES:
		fail("region %s is read-only (ro=1)", name);
	case EINVAL:
		fail("OFFSET and LENGTH are multiples of the page size and end within the region");
	case EOPNOTSUPP:
		fail("region %s keeps its memory; only paged can free a part", name);
	default:
		err(EXIT_FAILED, "region %s", name);
	}
}
