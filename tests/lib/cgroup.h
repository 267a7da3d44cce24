/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory cgroup (version 2) for a test: what is charged to it, and to it alone. */
#ifndef CGROUP_H
#define CGROUP_H

#include "vsock_test.h"

#include <sys/stat.h>

#define GROUP "/sys/fs/cgroup/container"

static TAP_UNUSED int group_write(const char *file, const char *value)
{
	char path[256];
	int fd, err;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	err = errno_of(write(fd, value, strlen(value)));
	close(fd);
	return err;
}

/* The number in a file, behind @key if there is one; -1 without. */
static TAP_UNUSED long long group_read(const char *file, const char *key)
{
	long long value = -1;
	char path[256], line[128];
	FILE *f;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	f = fopen(path, "re");
	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (!key || !strncmp(line, key, strlen(key)))
			value = atoll(line + (key ? strlen(key) : 0));
	if (f)
		fclose(f);
	return value;
}

/* False when the kernel has no memory cgroups. */
static TAP_UNUSED bool group_new(long long limit)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", limit);
	return !group_write("cgroup.subtree_control", "+memory") && !mkdir(GROUP, 0755) &&
	       !group_write("container/memory.max", text);
}

/* The calling process is in it from now on. */
static TAP_UNUSED void group_enter(void)
{
	must(-group_write("container/cgroup.procs", "0"));
}

/* Nobody is in it any more. */
static TAP_UNUSED void group_end(void)
{
	long long end = now_ms() + PATIENCE_MS;

	while (rmdir(GROUP) && errno == EBUSY && now_ms() < end)
		poll(NULL, 0, 20);
}

#endif
