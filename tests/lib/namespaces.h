/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces for test programs, each a file descriptor, and their sysctls. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "check.h"

#include <fcntl.h>
#include <sched.h>

static TAP_UNUSED int ns_here(void)
{
	return must(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

static TAP_UNUSED void ns_enter(int ns)
{
	must(setns(ns, CLONE_NEWNET));
}

/* A new namespace whose creator is in @parent. */
static TAP_UNUSED int ns_new(int parent)
{
	int here = ns_here();
	int ns;

	ns_enter(parent);
	must(unshare(CLONE_NEWNET));
	ns = ns_here();
	ns_enter(here);
	close(here);

	return ns;
}

#define SYSCTL_DIR "/proc/sys/net/vsock/"

/* 0 or an error; one write() of @len bytes, in the namespace we are in. */
static TAP_UNUSED int sysctl_write(const char *name, const char *value, size_t len)
{
	char path[128];
	int fd, err = 0;
	ssize_t n;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = write(fd, value, len);
	if (n < 0)
		err = errno;
	else if ((size_t)n != len)
		err = EIO;
	close(fd);

	return err;
}

static TAP_UNUSED int sysctl_set(const char *name, const char *value)
{
	return sysctl_write(name, value, strlen(value));
}

/* In a buffer of its own per call (eight of them in turn); "?" when it fails. */
static TAP_UNUSED const char *sysctl_get(const char *name)
{
	static char buffers[8][64];
	static int next;
	char *buffer = buffers[next++ % ARRAY_SIZE(buffers)];
	char path[128];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buffer, sizeof(buffers[0]) - 1);
		close(fd);
	}
	strcpy(buffer + (n < 0 ? 0 : n), n < 0 ? "?" : "");

	return buffer;
}

static TAP_UNUSED int sysctl_set_in(int ns, const char *name, const char *value)
{
	int here = ns_here();
	int err;

	ns_enter(ns);
	err = sysctl_set(name, value);
	ns_enter(here);
	close(here);

	return err;
}

static TAP_UNUSED const char *sysctl_get_in(int ns, const char *name)
{
	int here = ns_here();
	const char *value;

	ns_enter(ns);
	value = sysctl_get(name);
	ns_enter(here);
	close(here);

	return value;
}

/* A namespace whose children are local; child_ns_mode of init is left alone. */
static TAP_UNUSED int ns_local_parent(void)
{
	static int parent = -1;
	int here;

	if (parent < 0) {
		here = ns_here();
		parent = ns_new(here);
		close(here);
		if (sysctl_set_in(parent, "child_ns_mode", "local"))
			bail_out("child_ns_mode cannot be set");
	}
	return parent;
}

static TAP_UNUSED int ns_new_global(void)
{
	int here = ns_here();
	int ns = ns_new(here);

	close(here);
	return ns;
}

/* With GLOBAL_ONLY set the transport under test knows no namespaces: a global one. */
static TAP_UNUSED int ns_new_local(void)
{
	return getenv("GLOBAL_ONLY") ? ns_new_global() : ns_new(ns_local_parent());
}

/* The kinds of namespace that tests go through; two of each but init. */
enum { NS_INIT, NS_GA, NS_GB, NS_LA, NS_LB, NS_COUNT };
static TAP_UNUSED const char *const ns_names[NS_COUNT] = {
	"init", "global A", "global B", "local A", "local B",
};
static TAP_UNUSED int ns_fd[NS_COUNT];

static TAP_UNUSED void ns_setup(void)
{
	ns_fd[NS_INIT] = ns_here();
	ns_fd[NS_GA] = ns_new_global();
	ns_fd[NS_GB] = ns_new_global();
	ns_fd[NS_LA] = ns_new_local();
	ns_fd[NS_LB] = ns_new_local();
}

/* Whether two of them reach each other. */
static TAP_UNUSED bool ns_reach(int a, int b)
{
	return a == b || (a < NS_LA && b < NS_LA);
}

#endif
