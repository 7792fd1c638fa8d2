// SPDX-License-Identifier: GPL-2.0
/* Hot plug, by the monitor of QEMU. */
#include <dirent.h>
#include <stdarg.h>

#include "plug.h"

#define PORTS "/sys/class/virtio-ports"

/* Wait for a line that has both words; 0 or -errno. */
static int monitor_wait(struct monitor *m, const char *word, const char *other)
{
	while (fgets(m->line, sizeof(m->line), m->port))
		if (strstr(m->line, word) && strstr(m->line, other))
			return 0;
	return -EPIPE;
}

#define QOM_GET "\"execute\": \"qom-get\", \"arguments\": "
#define HUMAN "\"execute\": \"human-monitor-command\", \"arguments\": "
#define DEVICE_DEL "\"execute\": \"device_del\", \"arguments\": "

/* A command and its arguments, as JSON without the outer braces. */
static void monitor_send(struct monitor *m, const char *format, ...)
{
	char command[1024];
	va_list args;
	int len;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	len = snprintf(m->line, sizeof(m->line), "{%s, \"id\": \"%d-%d\"}\n",
		       command, getpid(), ++m->serial);
	if (write(fileno(m->port), m->line, len) != len)
		perror("the monitor's port");
}

/* Wait for the answer to the last command. An older program's has another id. */
static int monitor_answer(struct monitor *m)
{
	char id[32];
	int err;

	snprintf(id, sizeof(id), "\"%d-%d\"", getpid(), m->serial);
	err = monitor_wait(m, id, "");
	if (!err && strstr(m->line, "\"error\""))
		err = -EPROTO;
	return err;
}

/* Commands of the monitor's other language take options as QEMU itself does. */
static int monitor_human(struct monitor *m, const char *command,
			 const char *options)
{
	int err;

	monitor_send(m, HUMAN "{\"command-line\": \"%s %s\"}", command,
		     options);
	err = monitor_answer(m);
	/* It prints nothing on success. */
	if (!err && !strstr(m->line, "\"return\": \"\""))
		err = -EPROTO;
	if (err)
		fprintf(stderr, "# %s %s: %s", command, options, m->line);
	return err;
}

/* 0, or -ENODEV if the machine was started without scripts/vm/devices. */
int monitor_open(struct monitor *m)
{
	struct dirent *entry;
	DIR *dir = opendir(PORTS);
	char path[320];

	memset(m, 0, sizeof(*m));
	while (dir && !m->port && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), PORTS "/%s/name", entry->d_name);
		read_line(path, m->line, sizeof(m->line));
		if (strcmp(m->line, "mapdev.qmp"))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		m->port = fopen(path, "r+e");
	}
	if (dir)
		closedir(dir);
	if (!m->port)
		return -ENODEV;
	/* An error after the first time in the machine's life. */
	monitor_send(m, "\"execute\": \"qmp_capabilities\"");
	monitor_answer(m);
	return 0;
}

void monitor_close(struct monitor *m)
{
	if (m->port)
		fclose(m->port);
}

/* The options of the row that has OPTION and id=NAME; false if there is none. */
static bool plug_row(const char *option, const char *name, char *options,
		     size_t size)
{
	char path[512], line[512], key[64], id[96];
	const char *run = getenv("RUN");
	bool found = false;
	FILE *table;

	snprintf(path, sizeof(path), "%s/devices", run ? run : "");
	snprintf(id, sizeof(id), ",id=%s,", name);
	table = fopen(path, "r");
	while (table && !found && fgets(line, sizeof(line), table)) {
		line[strcspn(line, "\n")] = '\0';
		found = sscanf(line, "%63s", key) == 1 &&
			!strcmp(key, option) && strstr(line, id);
		if (found)
			snprintf(options, size, "%s", line + strlen(key) + 1);
	}
	if (table)
		fclose(table);
	return found;
}

/* Replace the value of a key in options. */
static void plug_replace(char *options, size_t size, const char *key,
			 const char *value)
{
	char *at = strstr(options, key), tail[512];

	if (!at)
		return;
	at += strlen(key);
	snprintf(tail, sizeof(tail), "%s", at + strcspn(at, ","));
	snprintf(at, size - (at - options), "%s%s", value, tail);
}

/*
 * Take a device out, as a person asks for it: the kernel ends what it does with
 * the device, and lets go. 0, when it has, or -errno.
 */
int plug_out(struct monitor *m, const char *name)
{
	char memory[64] = "", device[96];
	const char *object;
	int err;

	monitor_send(m, QOM_GET "{\"path\": \"/machine/peripheral/%s\", \"property\": \"memdev\"}",
		     name);
	object = monitor_answer(m) ? NULL : strstr(m->line, "/objects/");
	if (object && sscanf(object, "/objects/%63[^\"]", memory) != 1)
		return -EPROTO;

	monitor_send(m, DEVICE_DEL "{\"id\": \"%s\"}", name);
	err = monitor_answer(m);
	if (err) {
		fprintf(stderr, "# device_del %s: %s", name, m->line);
		return err;
	}
	snprintf(device, sizeof(device), "\"device\": \"%s\"", name);
	err = monitor_wait(m, "\"DEVICE_DELETED\"", device);
	if (!err && memory[0])
		err = monitor_human(m, "object_del", memory);
	return err;
}

/*
 * Put it in again, and wait until the kernel knows it and its BARs. QEMU 7.2
 * cannot use memory that a device had before: it gets a new name each time,
 * which is the same file again, or fresh memory.
 */
int plug_in(struct monitor *m, const char *name)
{
	char options[512], object[512], memory[64], fresh[128];
	const char *memdev;
	int err;

	if (!plug_row("-device", name, options, sizeof(options)))
		return -ENOENT;
	memdev = strstr(options, ",memdev=");
	if (memdev) {
		if (sscanf(memdev, ",memdev=%63[^,]", memory) != 1 ||
		    !plug_row("-object", memory, object, sizeof(object)))
			return -ENOENT;
		snprintf(fresh, sizeof(fresh), "%s-%d-%d", memory, getpid(),
			 m->serial);
		plug_replace(object, sizeof(object), ",id=", fresh);
		plug_replace(options, sizeof(options), ",memdev=", fresh);
		err = monitor_human(m, "object_add", object);
		if (err)
			return err;
	}
	err = monitor_human(m, "device_add", options);
	if (err)
		return err;
	/* One of the two finds it; both hold the same lock until it is ready. */
	return write_file("/sys/bus/pci/rescan", "1");
}
