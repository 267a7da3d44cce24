// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine A of the sibling test bed: asks who answers at each CID from each kind of
 * namespace, and prints "situation/question<TAB>answer" lines.
 *	wait				until the sibling answers
 *	reach SITUATION [CID…]		who answers, with fallback and without; without
 *					CIDs for the sibling's, an unused one, the
 *					host's, our own and loopback's
 *	incoming SITUATION		the sibling and the host call us
 *	owned SITUATION			a guest of our own has the sibling's CID
 *	transfer SITUATION		data there and back
 *	keep SITUATION			holds a connection to the sibling until its
 *					input ends, then tells what it saw
 *	kill				asks the host to end the hypervisor's side
 */
#include "guest_conn.h"
#include "sibling.h"

static const char *situation;

static void answer(const char *text, const char *format, ...)
{
	va_list args;

	printf("%s/", situation);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\t%s\n", text);
	fflush(stdout);
}

static void set_connect_timeout(int fd, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
}

/* Nobody answers at an unused CID, ever; others may be slow, emulated as they are. */
static int call(int fd, unsigned int cid, unsigned int port, unsigned int flags)
{
	struct sockaddr_vm addr = vm_addr(cid, port);

	addr.svm_flags = flags;
	set_connect_timeout(fd, cid == CID_UNUSED || getenv("NOBODY_ANSWERS") ? 700 : PATIENCE_MS);
	return errno_of(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
}

static const char *ask(int ns, unsigned int cid, unsigned int flags)
{
	static char words[128];
	int fd = vm_socket_in(ns, SOCK_STREAM);

	meet(fd, call(fd, cid, PORT_TALK, flags), words, sizeof(words));
	close(fd);
	return words;
}

/* The kinds of namespace that are asked from. */
static const struct {
	int ns;
	const char *name;
} kinds[] = { { NS_INIT, "init" }, { NS_GA, "global" }, { NS_LA, "local" } };

static struct listener listeners[] = { { .name = "init" }, { .name = "global" }, { .name = "local" } };

/* Where the sibling is called whatever is loaded, but for G2H. */
static int call_sibling(unsigned int port)
{
	int fd = vm_socket_in(ns_fd[NS_INIT], SOCK_STREAM);
	int err = call(fd, CID_B, port, VMADDR_FLAG_TO_HOST);

	if (!err)
		return fd;
	close(fd);
	errno = err;
	return -1;
}

static int do_wait(void)
{
	long long end = now_ms() + 10 * PATIENCE_MS;
	int fd;

	while ((fd = call_sibling(PORT_TALK)) < 0) {
		if (now_ms() > end)
			return 1;
		poll(NULL, 0, 200);
	}
	close(fd);
	return 0;
}

static void reach_from(int kind, const char *fallback, unsigned int cid)
{
	for (unsigned int flags = 0; flags <= VMADDR_FLAG_TO_HOST; flags++) {
		const char *text = ask(ns_fd[kinds[kind].ns], cid, flags);

		answer(text, "fallback %s/%s/%u%s", fallback, kinds[kind].name, cid, flags ? "+flag" : "");
	}
}

static int do_reach(int count, char **cids)
{
	static const unsigned int all[] = { CID_B, CID_UNUSED, VMADDR_CID_HOST, CID_A, VMADDR_CID_LOCAL };
	const char *const fallbacks[] = { "1", "0" };

	/* Of each domain one, at the same port. */
	listener_start(&listeners[0], ns_fd[NS_INIT], PORT_TALK);
	listener_start(&listeners[2], ns_fd[NS_LA], PORT_TALK);
	for (size_t f = 0; f < ARRAY_SIZE(fallbacks); f++) {
		for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
			must(-sysctl_set_in(ns_fd[kinds[kind].ns], "g2h_fallback", fallbacks[f]));
			for (size_t i = 0; i < (count ? (size_t)count : ARRAY_SIZE(all)); i++)
				reach_from(kind, fallbacks[f], count ? strtoul(cids[i], NULL, 0) : all[i]);
		}
	}
	must(-sysctl_set("g2h_fallback", "1"));
	return 0;
}

/* What the sibling, or the host, met at a port of ours. */
static void have_called(int fd, unsigned int port, char *words, size_t size)
{
	snprintf(words, size, "nobody to ask");
	if (fd < 0)
		return;
	write_line(fd, "%u\n", port);
	read_line(fd, words, size);
	close(fd);
}

static int call_host(unsigned int port)
{
	int fd = vm_socket_in(ns_fd[NS_INIT], SOCK_STREAM);

	must(-call(fd, VMADDR_CID_HOST, port, 0));
	return fd;
}

static void came_from(const struct listener *l, int before, const char *who, const char *where)
{
	char text[64] = "nobody came";

	if (l->came != before)
		snprintf(text, sizeof(text), "from %u%s", l->from.svm_cid,
			 l->from.svm_flags & VMADDR_FLAG_TO_HOST ? "+flag" : "");
	answer(text, "%s calls %s/came", who, where);
}

static int do_incoming(void)
{
	char words[128];

	for (size_t i = 0; i < ARRAY_SIZE(listeners); i++) {
		struct listener *l = &listeners[i];
		const unsigned int port = 2000 + i;
		int before;

		listener_start(l, ns_fd[kinds[i].ns], port);
		before = l->came;
		have_called(call_sibling(PORT_CALL), port, words, sizeof(words));
		answer(words, "sibling calls %s/met", kinds[i].name);
		came_from(l, before, "sibling", kinds[i].name);
		before = l->came;
		have_called(call_host(PORT_HOST_CALL), port, words, sizeof(words));
		answer(words, "host calls %s/met", kinds[i].name);
		came_from(l, before, "host", kinds[i].name);
	}
	have_called(call_sibling(PORT_CALL), 2999, words, sizeof(words));
	answer(words, "sibling calls nobody/met");
	return 0;
}

/* ---- A guest of our own, at first not running ---- */

struct own_guest {
	struct guest *g;
	int ns;
	atomic_bool stop;
	pthread_t thread;
};

/* Answers whoever calls, as every listener of the bed does. */
static void *guest_thread(void *arg)
{
	struct own_guest *own = arg;
	struct conn c;

	while (!own->stop) {
		struct packet *p;
		bool over;

		if (!conn_answer(&c, own->g, PORT_TALK, OP_RESPONSE))
			continue;
		conn_send(&c, OP_RW, 0, "guest sees 2\n", 13);
		for (over = false; !over; free(p)) {
			p = conn_receive_within(&c, PATIENCE_MS);
			over = !p || p->hdr.op == OP_SHUTDOWN || p->hdr.op == OP_RST;
			if (!over && p->hdr.op == OP_RW)
				conn_send(&c, OP_RW, 0, p->data, p->hdr.len);
		}
		conn_send(&c, OP_RST, 0, NULL, 0);
	}
	return NULL;
}

static void guest_start(struct own_guest *own, int ns)
{
	own->ns = ns;
	own->g = guest_new(.cid = CID_B, .ns = ns);
	own->stop = false;
	must(-pthread_create(&own->thread, NULL, guest_thread, own));
}

static void guest_end(struct own_guest *own)
{
	/* One call more, for it to look. */
	own->stop = true;
	ask(own->ns, CID_B, 0);
	pthread_join(own->thread, NULL);
	guest_free(own->g);
}

static const char *const all_names[] = { "init", "global", "other global", "local", "other local" };
static const int all_kinds[] = { NS_INIT, NS_GA, NS_GB, NS_LA, NS_LB };

static void owned_reach(const char *owner, const char *state)
{
	char words[128];
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(all_kinds); i++)
		answer(ask(ns_fd[all_kinds[i]], CID_B, 0), "%s guest of %s/from %s", state, owner, all_names[i]);
	answer(ask(ns_fd[NS_INIT], CID_B, VMADDR_FLAG_TO_HOST), "%s guest of %s/from init+flag", state, owner);
	answer(ask(ns_fd[NS_LA], CID_B, VMADDR_FLAG_TO_HOST), "%s guest of %s/from local+flag", state, owner);

	/* What a fallback left on a socket does not count for its next call. */
	fd = vm_socket_in(ns_fd[NS_INIT], SOCK_STREAM);
	if (call(fd, CID_UNUSED, PORT_TALK, 0) == ETIMEDOUT)
		meet(fd, call(fd, CID_B, PORT_TALK, 0), words, sizeof(words));
	else
		snprintf(words, sizeof(words), "no timeout");
	answer(words, "%s guest of %s/from a socket that fell back", state, owner);
	close(fd);

	have_called(call_sibling(PORT_CALL), 2000, words, sizeof(words));
	answer(words, "%s guest of %s/sibling calls init/met", state, owner);
}

static void owned_fallback_0(const char *owner)
{
	static const int kinds_asked[] = { NS_INIT, NS_LA };

	for (size_t i = 0; i < ARRAY_SIZE(kinds_asked); i++) {
		const int ns = ns_fd[kinds_asked[i]];

		must(-sysctl_set_in(ns, "g2h_fallback", "0"));
		answer(ask(ns, CID_B, 0), "running guest of %s, fallback 0/from %s", owner,
		       kinds_asked[i] == NS_INIT ? "init" : "local");
		must(-sysctl_set_in(ns, "g2h_fallback", "1"));
	}
}

static int do_owned(void)
{
	struct own_guest own;
	char words[128];
	int kept;

	listener_start(&listeners[0], ns_fd[NS_INIT], 2000);
	kept = call_sibling(PORT_TALK);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const int ns = ns_fd[kinds[i].ns];
		int device = device_open_in(ns);

		must(-device_set_cid(device, CID_B));
		owned_reach(kinds[i].name, "silent");
		close(device);
		guest_start(&own, ns);
		owned_reach(kinds[i].name, "running");
		owned_fallback_0(kinds[i].name);
		guest_end(&own);
		answer(ask(ns, CID_B, 0), "after the guest of %s/from there", kinds[i].name);
	}
	meet(kept, 0, words, sizeof(words));
	answer(words, "a connection from before/talks");
	close(kept);
	return 0;
}

static int do_transfer(void)
{
	char line[64] = "nobody to ask";
	int fd = call_sibling(PORT_TAKE);

	if (fd >= 0) {
		if (!give(fd))
			diag("send: %s", strerror(errno));
		shutdown(fd, SHUT_WR);
		read_line(fd, line, sizeof(line));
		close(fd);
	}
	answer(line, "to the sibling");
	fd = call_sibling(PORT_GIVE);
	snprintf(line, sizeof(line), "%ld", fd < 0 ? -1 : take(fd));
	answer(line, "from the sibling");
	close(fd);
	return 0;
}

/* What a connection is after something happened to what it goes through. */
static int do_keep(void)
{
	struct timeval second = { 1, 0 };
	char byte, text[128];
	struct pollfd p;
	ssize_t n;
	int fd = call_sibling(PORT_TALK);

	if (fd < 0)
		return 1;
	read_line(fd, text, sizeof(text));
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	p = (struct pollfd){ .fd = fd, .events = POLLIN | POLLRDHUP };
	must(poll(&p, 1, 500));
	n = send(fd, "x", 1, MSG_NOSIGNAL);
	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)));
	snprintf(text, sizeof(text), "%s, send %s, recv ", p.revents ? "an event" : "no event",
		 n == 1 ? "ok" : strerrorname_np(errno));
	n = recv(fd, &byte, 1, 0);
	strcat(text, n == 1 ? "ok" : n ? strerrorname_np(errno) : "end");
	answer(text, "connection");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	watchdog(500);
	ns_setup();
	situation = argc > 2 ? argv[2] : "";
	if (!strcmp(word, "wait"))
		return do_wait();
	if (!strcmp(word, "reach") && argc > 2)
		return do_reach(argc - 3, argv + 3);
	if (!strcmp(word, "incoming") && argc > 2)
		return do_incoming();
	if (!strcmp(word, "owned") && argc > 2)
		return do_owned();
	if (!strcmp(word, "transfer") && argc > 2)
		return do_transfer();
	if (!strcmp(word, "keep") && argc > 2)
		return do_keep();
	if (!strcmp(word, "kill")) {
		/* It may not live to say that the connection stands. */
		call(vm_socket(SOCK_STREAM), VMADDR_CID_HOST, PORT_HOST_KILL, 0);
		return 0;
	}
	fputs("siblings: see the top of its source\n", stderr);
	return 2;
}
