// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user who is not root may do with net.vsock: read it everywhere, write
 * it in network namespaces of a user namespace of their own, and nowhere else.
 */
#include "vsock_test.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/capability.h>

#define USER 1000

static int global_listener, local_listener;
static int local_ns;

static void become_user(void)
{
	must(setgroups(0, NULL));
	must(setgid(USER));
	must(setuid(USER));
	/* Who changed its identity may not write its own /proc files otherwise. */
	must(prctl(PR_SET_DUMPABLE, 1));
}

static void write_file(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY | O_CLOEXEC));

	must(write(fd, text, strlen(text)));
	close(fd);
}

/* A user namespace, with @inside as our name in it; -1: without a name. */
static void new_userns(int flags, int inside)
{
	char map[32];

	must(unshare(CLONE_NEWUSER | flags));
	if (inside < 0)
		return;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%d %d 1", inside, USER);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/gid_map", map);
}

static int open_for_writing(const char *name)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	err = errno_of(fd);
	if (fd >= 0)
		close(fd);
	return err;
}

static void check_reads(const char *mode, const char *child, const char *fallback,
			const char *who)
{
	ok(!strcmp(sysctl_get("ns_mode"), mode), "%s: ns_mode is %.5s", who, mode);
	ok(!strcmp(sysctl_get("child_ns_mode"), child), "%s: child_ns_mode is %.5s",
	   who, child);
	ok(!strcmp(sysctl_get("g2h_fallback"), fallback), "%s: g2h_fallback is %.1s",
	   who, fallback);
}

static void check_no_writes(const char *who)
{
	is_errno(open_for_writing("ns_mode"), EACCES, "%s: no writing to ns_mode", who);
	is_errno(open_for_writing("child_ns_mode"), EACCES,
		 "%s: no writing to child_ns_mode", who);
	is_errno(open_for_writing("g2h_fallback"), EACCES,
		 "%s: no writing to g2h_fallback", who);
}

static void check_modes(const char *who)
{
	static const struct { const char *path; mode_t mode; } want[] = {
		{ SYSCTL_DIR "ns_mode", 0100444 },
		{ SYSCTL_DIR "child_ns_mode", 0100644 },
		{ SYSCTL_DIR "g2h_fallback", 0100644 },
	};
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		st.st_mode = 0;
		stat(want[i].path, &st);
		is_int(st.st_mode, want[i].mode, "%s: mode of %s", who, want[i].path);
	}
}

static void plain_user(void)
{
	become_user();
	check_reads("global\n", "global\n", "1\n", "plain user");
	check_no_writes("plain user");
	is_errno(errno_of(unshare(CLONE_NEWNET)), EPERM, "and no namespace without a user namespace");
}

static void user_in_roots_namespace(void)
{
	ns_enter(local_ns);
	become_user();
	check_reads("local\n", "local\n", "1\n", "plain user in root's local namespace");
	check_no_writes("plain user in root's local namespace");
}

/* Root of a user namespace, but not of the network namespace. */
static void userns_only(void)
{
	become_user();
	new_userns(0, 0);
	check_reads("global\n", "global\n", "1\n", "root of a user namespace in init's network");
	check_no_writes("root of a user namespace in init's network");
}

static void owner(void)
{
	static const char who[] = "owner of a network namespace";

	become_user();
	new_userns(CLONE_NEWNET, 0);
	check_reads("global\n", "global\n", "1\n", who);
	check_modes(who);
	is_errno(open_for_writing("ns_mode"), EACCES, "%s: no writing to ns_mode", who);
	is_errno(sysctl_set("g2h_fallback", "0"), 0, "%s: writes g2h_fallback", who);
	is_errno(sysctl_set("child_ns_mode", "nonsense"), EINVAL, "%s: writes nonsense", who);
	is_errno(sysctl_set("child_ns_mode", "local"), 0, "%s: writes child_ns_mode", who);
	is_errno(sysctl_set("child_ns_mode", "global"), EBUSY, "%s: is locked then", who);
	check_reads("global\n", "local\n", "0\n", who);

	must(unshare(CLONE_NEWNET));
	check_reads("local\n", "local\n", "1\n", "the owner's local namespace");
	is_errno(sysctl_set("child_ns_mode", "global"), EPERM, "which has no global children");
	is_errno(sysctl_set("child_ns_mode", "local"), 0, "but local ones");

	/* A user namespace more changes nothing. */
	must(unshare(CLONE_NEWUSER | CLONE_NEWNET));
	check_reads("local\n", "local\n", "1\n", "one user namespace deeper");
	is_errno(sysctl_set("child_ns_mode", "global"), EPERM, "which has no global children");
}

static void owner_without_name(void)
{
	become_user();
	new_userns(CLONE_NEWNET, -1);
	check_modes("owner without a name");
	is_errno(sysctl_set("child_ns_mode", "local"), 0, "owner without a name: writes child_ns_mode");
	check_reads("global\n", "local\n", "1\n", "owner without a name");
}

static void owner_without_capabilities(void)
{
	static const char who[] = "owner without capabilities";
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = {};

	become_user();
	new_userns(CLONE_NEWNET, USER);
	is_errno(open_for_writing("g2h_fallback"), 0, "before they go");
	must(syscall(SYS_capset, &header, none));
	check_no_writes(who);
	check_reads("global\n", "global\n", "1\n", who);
}

static void child_of_local(void)
{
	ns_enter(local_ns);
	become_user();
	new_userns(CLONE_NEWNET, 0);
	check_reads("local\n", "local\n", "1\n", "user's child of a local namespace");
	is_errno(sysctl_set("child_ns_mode", "global"), EPERM, "which has no global children");
	is_errno(sysctl_set("child_ns_mode", "local"), 0, "but local ones");
}

static void check_talk(int listener, int want, const char *name)
{
	int client = vm_socket(SOCK_STREAM);
	int server;

	if (is_errno(vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener)), want, "%s", name) &&
	    !want) {
		server = must(vm_accept(listener));
		is_errno(vm_echo(client, server), 0, "%s: and talks", name);
		close(server);
	}
	close(client);
}

static void sockets(void)
{
	int listener, fd;

	become_user();
	new_userns(CLONE_NEWNET, 0);
	listener = vm_listen(SOCK_STREAM);
	check_talk(listener, 0, "user's global namespace reaches itself");
	check_talk(global_listener, 0, "user's global namespace reaches init");
	check_talk(local_listener, ECONNRESET, "user's global namespace, root's local one");
	close(listener);

	must(-sysctl_set("child_ns_mode", "local"));
	must(unshare(CLONE_NEWNET));
	listener = vm_listen(SOCK_STREAM);
	check_talk(listener, 0, "user's local namespace reaches itself");
	check_talk(global_listener, ECONNRESET, "user's local namespace, init");
	check_talk(local_listener, ECONNRESET, "user's local namespace, root's local one");

	/* Ports below 1024 stay with root of the machine. */
	fd = vm_socket(SOCK_STREAM);
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 0), EACCES, "port 0");
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 1023), EACCES, "port 1023");
	is_errno(vm_bind(fd, VMADDR_CID_ANY, 1024), 0, "port 1024");
}

int main(void)
{
	watchdog(60);
	local_ns = ns_new_local();
	global_listener = vm_listen(SOCK_STREAM);
	local_listener = vm_listen_in(local_ns, SOCK_STREAM, VMADDR_CID_ANY, 8);

	in_child(plain_user);
	in_child(user_in_roots_namespace);
	in_child(userns_only);
	in_child(owner);
	in_child(owner_without_name);
	in_child(owner_without_capabilities);
	in_child(child_of_local);
	in_child(sockets);
	check_reads("global\n", "global\n", "1\n", "init, after everything");

	return done();
}
