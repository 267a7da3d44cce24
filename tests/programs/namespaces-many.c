// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thousands of namespaces: many at once, each on its own; then one after the
 * other, with and without sockets. Nothing of ours keeps any of them.
 */
#include "ns_alive.h"

#include <sys/resource.h>

/* The numbers of all that were made. */
static int tags[5000], tag_count;

static int tagged(int ns)
{
	tags[tag_count++ % ARRAY_SIZE(tags)] = ns_tag(ns);
	return ns;
}

/* How many of them are still there when nobody should be. */
static int left(void)
{
	int i, count = 0;

	/* When one is kept, patience with the others makes no difference. */
	for (i = 0; i < tag_count; i++)
		count += count ? ns_alive(tags[i]) : !ns_dies(tags[i]);
	return count;
}

/* All at once, in one process: the same port in each. */
static void check_at_once(int count)
{
	int *ns = malloc(count * sizeof(*ns)), *listener = malloc(count * sizeof(*listener));
	int i, fd, bad = 0, wrong = 0;

	for (i = 0; i < count; i++) {
		ns[i] = tagged(ns_new_local());
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
	int ns = tagged(i % 2 ? ns_new_local() : ns_new_global());
	int fd[2], type = i % 4 < 2 ? SOCK_STREAM : SOCK_SEQPACKET;

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

int main(void)
{
	const bool slow = is_slow_kernel();
	const int at_once = slow ? 100 : 400, count = slow ? 300 : 1600;
	struct rlimit files = { 20000, 20000 };
	int i;

	watchdog(150);
	must(setrlimit(RLIMIT_NOFILE, &files));
	ns_local_parent();

	check_at_once(at_once);
	is_int(left(), 0, "none of them is left");
	tag_count = 0;
	for (i = 0; i < count; i++)
		make_one(i);
	is_int(left(), 0, "none of %d that came one after the other is left", count);
	close(ns_local_parent());
	check_unload();

	return done();
}
