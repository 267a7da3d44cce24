// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thousands of namespaces: many at once, each on its own; then one after the
 * other, with and without sockets. What they took is given back.
 */
#include "vsock_test.h"

#include <sys/resource.h>

/* kB of memory that the kernel itself has, and cannot just drop. */
static long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kb = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %ld", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

/* The kernel takes namespaces down behind our back: until nothing more comes back. */
static long settled_memory(void)
{
	long last = kernel_memory(), now;
	int quiet;

	for (quiet = 0; quiet < 8; quiet++) {
		poll(NULL, 0, 250);
		now = kernel_memory();
		if (now < last - 100) {
			last = now;
			quiet = 0;
		}
	}
	return last;
}

/* All at once, in one process: the same port in each. */
static void check_at_once(int count)
{
	int *ns = malloc(count * sizeof(*ns)), *listener = malloc(count * sizeof(*listener));
	int i, fd, bad = 0, wrong = 0;

	for (i = 0; i < count; i++) {
		ns[i] = ns_new_local();
		listener[i] = vm_socket_in(ns[i], SOCK_STREAM);
		bad += !!vm_bind(listener[i], VMADDR_CID_ANY, 1234);
		must(listen(listener[i], 2));
	}
	is_int(bad, 0, "%d local namespaces at once listen at the same port", count);
	for (i = 0; i < count; i += 7) {
		fd = vm_socket_in(ns[i], SOCK_STREAM);
		bad += !!vm_connect(fd, VMADDR_CID_LOCAL, 1234);
		wrong += poll_now(listener[i]) != POLLIN;
		wrong += poll_now(listener[(i + 1) % count]) != 0 && (i + 1) % count % 7;
		close(fd);
	}
	is_int(bad, 0, "each connects to its own");
	is_int(wrong, 0, "and no other hears of it");
	/* Half of them lose their name first, half their socket. */
	for (i = 0; i < count; i++) {
		close(i % 2 ? ns[i] : listener[i]);
		close(i % 2 ? listener[i] : ns[i]);
	}
	free(ns);
	free(listener);
}

static void make_one(int i)
{
	int ns = i % 2 ? ns_new_local() : ns_new_global();
	int fd[4], type = i % 4 < 2 ? SOCK_STREAM : SOCK_SEQPACKET;

	switch (i % 5) {
	case 0:
		break;
	case 1:
		close(vm_socket_in(ns, type));
		break;
	case 2:
		close(vm_listen_in(ns, type, VMADDR_CID_ANY, 4));
		break;
	case 3:
		if (native() && i % 2 && type == SOCK_SEQPACKET)
			break;
		vm_pair_in(ns, type, &fd[0], &fd[1]);
		must(send(fd[0], "unread", 6, 0));
		close(ns);
		ns = fd[0];
		close(fd[1]);
		break;
	case 4:
		sysctl_set_in(ns, "child_ns_mode", "local");
		sysctl_set_in(ns, "g2h_fallback", "0");
		break;
	}
	close(ns);
}

static void make_many(int count)
{
	int i;

	for (i = 0; i < count; i++)
		make_one(i);
}

static long long make_in_thread(void *count)
{
	/* A namespace is a thread's own here. */
	make_many((int)(long)count);
	return 0;
}

int main(void)
{
	struct rlimit files = { 20000, 20000 };
	const int count = 2000;
	struct task tasks[2];
	long before, after;
	int i;

	watchdog(200);
	must(setrlimit(RLIMIT_NOFILE, &files));
	ns_local_parent();

	/* The first ones fill caches that stay. */
	check_at_once(300);
	make_many(200);
	before = settled_memory();
	make_many(count);
	after = settled_memory();
	diag("kernel memory: %ld kB before, %ld kB after %d namespaces", before, after, count);
	ok(after - before < 200, "%d namespaces one after the other leave no memory behind", count);

	for (i = 0; i < 2; i++)
		task_start(&tasks[i], make_in_thread, (void *)200L);
	for (i = 0; i < 2; i++) {
		if (!ok(task_ends(&tasks[i]), "two threads make namespaces at the same time"))
			exit(done());
	}
	close(ns_local_parent());
	check_unload();

	return done();
}
