// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kind of namespace connects to every kind: what is one domain talks, all
 * else is refused with ECONNRESET and the listener never hears of it.
 */
#include "vsock_test.h"

static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

/* 0 or an error: connects, and talks both ways. */
static int talk(int from, int type, unsigned int cid, int listener)
{
	int client = vm_socket_in(ns_fd[from], type);
	int err = vm_connect(client, cid, vm_port(listener));
	int server;

	if (!err) {
		server = must(vm_accept(listener));
		err = vm_echo(client, server);
		close(server);
	}
	close(client);

	return err;
}

static void check_pair(int type, unsigned int cid, int from, int to)
{
	int listener = vm_listen_in(ns_fd[to], type, VMADDR_CID_ANY, 8);
	char name[128];

	snprintf(name, sizeof(name), "%s, CID %u: %s to %s", type_name(type), cid,
		 ns_names[from], ns_names[to]);
	if (native() && type == SOCK_SEQPACKET && from >= NS_LA) {
		skip(name, "not in this kernel's local namespaces");
	} else if (ns_reach(from, to)) {
		is_errno(talk(from, type, cid, listener), 0, "%s: connected", name);
	} else {
		is_errno(talk(from, type, cid, listener), ECONNRESET,
			 "%s: refused", name);
		is_int(poll_now(listener), 0, "%s: not heard of", name);
	}
	close(listener);
}

/* The same port is listened at in each domain: everyone gets their own. */
static void check_same_port(int type)
{
	static const int owner[NS_COUNT] = { NS_GA, NS_GA, NS_GA, NS_LA, NS_LB };
	const unsigned int port = 4711;
	int listener[NS_COUNT];
	int ns, client, server;

	for (ns = NS_GA; ns < NS_COUNT; ns++) {
		if (owner[ns] != ns)
			continue;
		listener[ns] = vm_socket_in(ns_fd[ns], type);
		is_errno(vm_bind(listener[ns], VMADDR_CID_ANY, port), 0,
			 "%s: %s binds the port that others use", type_name(type),
			 ns_names[ns]);
		must(listen(listener[ns], 8));
	}
	for (ns = 0; ns < NS_COUNT; ns++) {
		if (native() && type == SOCK_SEQPACKET && ns >= NS_LA)
			continue;
		client = vm_socket_in(ns_fd[ns], type);
		if (is_errno(vm_connect(client, VMADDR_CID_LOCAL, port), 0,
			     "%s: %s connects to that port", type_name(type),
			     ns_names[ns])) {
			set_timeout(listener[owner[ns]], SO_RCVTIMEO, 1000);
			server = vm_accept(listener[owner[ns]]);
			call_ok(server, "%s: who listens in %s has it",
				type_name(type), ns_names[owner[ns]]);
			is_errno(vm_echo(client, server), 0,
				 "%s: and they talk", type_name(type));
			close(server);
		}
		close(client);
	}
	close(listener[NS_GA]);
	close(listener[NS_LA]);
	close(listener[NS_LB]);
}

/* Two connections with the same addresses and ports, in two domains at once. */
static void check_same_addresses(int type)
{
	const int ns[] = { NS_INIT, NS_LA, NS_LB };
	int client[3], server[3], listener, i;
	char byte;

	for (i = 0; i < 3; i++) {
		listener = vm_socket_in(ns_fd[ns[i]], type);
		must(-vm_bind(listener, VMADDR_CID_ANY, 5000));
		must(listen(listener, 1));
		client[i] = vm_socket_in(ns_fd[ns[i]], type);
		must(-vm_bind(client[i], VMADDR_CID_LOCAL, 6000));
		is_errno(vm_connect(client[i], VMADDR_CID_LOCAL, 5000), 0,
			 "%s: port 6000 to port 5000 in %s", type_name(type),
			 ns_names[ns[i]]);
		server[i] = must(vm_accept(listener));
		close(listener);
	}
	for (i = 0; i < 3; i++)
		must(send(client[i], &"abc"[i], 1, 0));
	for (i = 0; i < 3; i++) {
		byte = 0;
		must(recv(server[i], &byte, 1, 0));
		is_int(byte, "abc"[i], "%s: what %s gets is its own",
		       type_name(type), ns_names[ns[i]]);
		close(client[i]);
		close(server[i]);
	}
}

/* Nobody serves other CIDs here, whatever the namespace and g2h_fallback are. */
static void check_unserved(void)
{
	static const unsigned int cids[] = {
		VMADDR_CID_HYPERVISOR, 3, 42, 0x7fffffff, VMADDR_CID_ANY,
	};
	int ns, fallback, fd;
	size_t t, i;

	for (ns = 0; ns < NS_COUNT; ns++) {
		for (fallback = 1; fallback >= 0; fallback--) {
			must(-sysctl_set_in(ns_fd[ns], "g2h_fallback",
					    fallback ? "1" : "0"));
			for (t = 0; t < ARRAY_SIZE(types); t++) {
				for (i = 0; i < ARRAY_SIZE(cids); i++) {
					fd = vm_socket_in(ns_fd[ns], types[t]);
					is_errno(vm_connect(fd, cids[i], 1234),
						 ENODEV,
						 "%s, CID %d, fallback %d, from %s: nobody there",
						 type_name(types[t]), (int)cids[i],
						 fallback, ns_names[ns]);
					close(fd);
				}
			}
		}
		must(-sysctl_set_in(ns_fd[ns], "g2h_fallback", "1"));
	}
}

int main(void)
{
	static const unsigned int cids[] = { VMADDR_CID_LOCAL, VMADDR_CID_HOST };
	size_t t, c;
	int from, to;

	watchdog(120);
	ns_setup();
	for (t = 0; t < ARRAY_SIZE(types); t++) {
		for (c = 0; c < ARRAY_SIZE(cids); c++)
			for (to = 0; to < NS_COUNT; to++)
				for (from = 0; from < NS_COUNT; from++)
					check_pair(types[t], cids[c], from, to);
		check_same_port(types[t]);
		if (!native() || types[t] == SOCK_STREAM)
			check_same_addresses(types[t]);
	}
	check_unserved();

	return done();
}
