// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests belong to namespaces: a table of scenarios, each played with the guest's device
 * and the host's socket in every pair of namespaces, in both kinds of socket.  A new
 * scenario is a function that tells in words what happened, and a row.
 */
#include "guest_conn.h"

#define CID 42

struct scene {
	/* Kinds of namespace, see ns_names. */
	int guest, host;
	int type;
	/* New in each: a kernel that resets a connection of the guest before late tells whoever has its CID by then. */
	unsigned int cid;
	/* In both: what the scenario says when it is over. */
	char said[64];
};

static const char *error_name(int err)
{
	return err ? strerrorname_np(err) : "ok";
}

static const char *say(struct scene *s, const char *format, const char *what)
{
	snprintf(s->said, sizeof(s->said), format, what);
	return s->said;
}

/* ---- Scenarios ---- */

static const char *host_connects(struct scene *s)
{
	struct guest *g = guest_new(.cid = s->cid, .ns = ns_fd[s->guest]);
	int fd = vm_socket_in(ns_fd[s->host], s->type);
	struct conn c;
	int err;

	set_nonblock(fd, true);
	err = vm_connect(fd, s->cid, 5000);
	if (err != EINPROGRESS)
		say(s, "connect=%s", error_name(err));
	else if (!conn_answer(&c, g, 5000, OP_RESPONSE) || !guest_poll(g, fd, POLLOUT, PATIENCE_MS))
		say(s, "%s", "no request");
	else
		say(s, "%s", conn_echo(&c, fd) ? "no echo" : "echo");
	if (err != EINPROGRESS && strcmp(guest_heard(g), "none"))
		say(s, "%s", "refused, and the guest heard of it");
	close(fd);
	guest_free(g);
	return s->said;
}

static const char *guest_connects(struct scene *s)
{
	struct guest *g = guest_new(.cid = s->cid, .ns = ns_fd[s->guest]);
	int listener = vm_listen_in(ns_fd[s->host], s->type, VMADDR_CID_ANY, 8);
	struct conn c = conn_init(g, s->type, vm_port(listener));
	const char *answer = conn_request(&c);
	int fd;

	if (strcmp(answer, "RESPONSE")) {
		say(s, poll_now(listener) ? "answer=%s, and the listener heard of it" : "answer=%s", answer);
	} else {
		fd = must(vm_accept(listener));
		say(s, "%s", conn_echo(&c, fd) ? "no echo" : "echo");
		close(fd);
	}
	close(listener);
	guest_free(g);
	return s->said;
}

/* The guest's namespace has it first. */
static const char *same_cid(struct scene *s)
{
	int first = device_open_in(ns_fd[s->guest]), second = device_open_in(ns_fd[s->host]);
	int err;

	must(-device_set_cid(first, s->cid));
	err = device_set_cid(second, s->cid);
	close(first);
	if (err && device_set_cid(second, s->cid))
		err = EBADF;
	close(second);
	return say(s, "%s", error_name(err));
}

/* The guest knows the ports of another guest's connection; across a border it has the other's CID too. */
static const char *forged_data(struct scene *s)
{
	struct guest *owner = guest_new(.cid = s->cid, .ns = ns_fd[s->host]);
	struct guest *other = guest_new(.cid = s->cid + (ns_reach(s->guest, s->host) ? 100000 : 0), .ns = ns_fd[s->guest]);
	struct conn c, forged;
	int fd = conn_from_host(&c, owner, ns_fd[s->host], s->type);

	forged = c;
	forged.g = other;
	conn_send(&forged, OP_RW, EOM, "forged", 6);
	say(s, "%s", guest_heard(other));
	if (poll_now(fd) & POLLIN)
		say(s, "%s", "data of another guest");
	conn_send(&forged, OP_RST, 0, NULL, 0);
	conn_send(&forged, OP_SHUTDOWN, 3, NULL, 0);
	guest_heard(other);
	if (conn_echo(&c, fd))
		say(s, "%s", "the connection was harmed");
	close(fd);
	guest_free(owner);
	guest_free(other);
	return s->said;
}

/* A CID that a running guest of that namespace has, and a guest of ours too where that is possible: who answers? */
static const char *each_its_own(struct scene *s)
{
	struct guest *theirs = guest_new(.cid = s->cid, .ns = ns_fd[s->guest]);
	struct guest *ours = NULL;
	struct conn c;
	int fd;

	if (!ns_reach(s->guest, s->host))
		ours = guest_new(.cid = s->cid, .ns = ns_fd[s->host]);
	fd = conn_from_host(&c, ours ?: theirs, ns_fd[s->host], s->type);
	say(s, "%s", conn_echo(&c, fd) ? "no echo" : "echo");
	if (ours) {
		if (strcmp(guest_heard(theirs), "none"))
			say(s, "%s", "the other guest heard of it");
		/* The end of one is not the end of the other. */
		guest_free(theirs);
		theirs = NULL;
		if (conn_echo(&c, fd))
			say(s, "%s", "gone with the other guest");
		guest_free(ours);
	}
	if (theirs)
		guest_free(theirs);
	close(fd);
	return s->said;
}

/* Who configures and uses the device is elsewhere than who opened it: the opener's namespace counts. */
static const char *opened_elsewhere(struct scene *s)
{
	int here = ns_here();
	int fd = device_open_in(ns_fd[s->guest]);
	int other = device_open_in(ns_fd[s->host]);
	int err;

	ns_enter(ns_fd[s->host]);
	must(-device_set_cid(fd, s->cid));
	ns_enter(here);
	err = device_set_cid(other, s->cid);
	close(fd);
	close(other);
	close(here);
	return say(s, "%s", error_name(err));
}

/* A socket that travels to the guest's namespace stays the host's. */
static const char *socket_travels(struct scene *s)
{
	struct guest *g = guest_new(.cid = s->cid, .ns = ns_fd[s->guest]);
	int here = ns_here();
	int fd = vm_socket_in(ns_fd[s->host], s->type);
	int err;

	ns_enter(ns_fd[s->guest]);
	set_nonblock(fd, true);
	err = vm_connect(fd, s->cid, 5000);
	ns_enter(here);
	close(here);
	close(fd);
	guest_free(g);
	return say(s, "connect=%s", error_name(err));
}

/* ---- The table ---- */

#define STREAM 1
#define MESSAGES 2

static const struct scenario {
	const char *name;
	const char *(*play)(struct scene *s);
	int types;
	/* Inside one domain, and across a border; of messages where that differs. */
	const char *inside, *across, *across_messages;
} scenarios[] = {
	{ "the host connects", host_connects, STREAM | MESSAGES, "echo", "connect=ENODEV", "connect=ESOCKTNOSUPPORT" },
	{ "the guest connects", guest_connects, STREAM | MESSAGES, "echo", "answer=RST", NULL },
	{ "a guest has the CID", same_cid, STREAM, "EADDRINUSE", "ok", NULL },
	{ "another guest forges data", forged_data, STREAM | MESSAGES, "RST", "RST", NULL },
	{ "the same CID in each domain", each_its_own, STREAM | MESSAGES, "echo", "echo", NULL },
	{ "a device opened there, set up here", opened_elsewhere, STREAM, "EADDRINUSE", "ok", NULL },
	{ "a socket that travels to the guest", socket_travels, STREAM, "connect=EINPROGRESS", "connect=ENODEV", NULL },
};

static void play(const struct scenario *scenario, int type)
{
	static unsigned int cid = 10000;
	struct scene s = { .type = type };

	for (s.guest = 0; s.guest < NS_COUNT; s.guest++) {
		for (s.host = 0; s.host < NS_COUNT; s.host++) {
			const char *want = scenario->inside;

			s.cid = cid++;
			if (!ns_reach(s.guest, s.host))
				want = type == SOCK_SEQPACKET && scenario->across_messages ?
				       scenario->across_messages : scenario->across;
			is_text(scenario->play(&s), want, "%s, %s: guest in %s, host in %s", scenario->name,
				type_name(type), ns_names[s.guest], ns_names[s.host]);
		}
	}
}

/* ---- What is no matter of pairs ---- */

static void check_many_local(void)
{
	int fd[20], ns, good = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		ns = ns_new_local();
		fd[i] = device_open_in(ns);
		close(ns);
		good += !device_set_cid(fd[i], CID);
	}
	is_int(good, ARRAY_SIZE(fd), "twenty local namespaces have a guest of one CID, each only held by its device");
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

/* Nobody but the device and its sockets knows the namespace any more. */
static void check_deleted(void)
{
	int ns = ns_new_local();
	struct guest *g = guest_new(.cid = CID, .ns = ns);
	struct conn c;
	int fd = conn_from_host(&c, g, ns, SOCK_STREAM), other, init;

	close(ns);
	is_errno(conn_echo(&c, fd), 0, "a deleted local namespace: its guest talks");
	is_errno(errno_of(close(fd)), 0, "the host closes");
	is_text(conn_next(&c), "SHUTDOWN(3)", "the guest hears it");
	conn_send(&c, OP_RST, 0, NULL, 0);
	other = vm_socket(SOCK_STREAM);
	is_errno(vm_connect(other, CID, 5000), ENODEV, "init does not reach it");
	close(other);
	init = device_open_in(0);
	is_errno(device_set_cid(init, CID), 0, "init may use its CID");
	close(init);
	guest_free(g);
}

static void check_deleted_global(void)
{
	int ns = ns_new_global();
	struct guest *g = guest_new(.cid = CID, .ns = ns);
	struct conn c;
	int fd, other = device_open_in(0);

	close(ns);
	fd = conn_from_host(&c, g, 0, SOCK_STREAM);
	is_errno(conn_echo(&c, fd), 0, "a deleted global namespace: its guest is reached from init");
	is_errno(device_set_cid(other, CID), EADDRINUSE, "and has its CID");
	guest_free(g);
	is_errno(device_set_cid(other, CID), 0, "until it ends");
	close(fd);
	close(other);
}

/* A VMM that is killed frees its CID, and its connections are reset, by the time it is waited for. */
static void check_killed(int kind)
{
	int tell[2], fd, other, err;
	struct guest *g;
	struct conn c;
	pid_t pid;
	char byte;

	must(pipe2(tell, O_CLOEXEC));
	pid = must(fork());
	if (!pid) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL));
		g = guest_new(.cid = CID, .ns = ns_fd[kind]);
		must(write(tell[1], "r", 1));
		conn_answer(&c, g, 5000, OP_RESPONSE);
		for (;;)
			pause();
	}
	must(read(tell[0], &byte, 1));
	fd = vm_socket_in(ns_fd[kind], SOCK_STREAM);
	err = vm_connect(fd, CID, 5000);
	is_errno(err, 0, "%s: a guest of another process", ns_names[kind]);
	other = device_open_in(ns_fd[kind]);
	is_errno(device_set_cid(other, CID), EADDRINUSE, "its CID is taken");
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
	is_errno(device_set_cid(other, CID), 0, "and free once it is killed");
	is_int(poll_for(fd, POLLRDHUP) & (POLLERR | POLLRDHUP), POLLERR | POLLRDHUP, "its connection ends");
	is_errno(so_error(fd), ECONNRESET, "with ECONNRESET");
	close(fd);
	close(other);
	close(tell[0]);
	close(tell[1]);
}

/* In a user namespace of one's own, whose network namespace is new: the opened device is its. */
static void in_userns(void)
{
	int fd = must(open(VHOST_DEVICE, O_RDWR | O_CLOEXEC)), inside;

	must(-device_set_cid(fd, CID));
	must(unshare(CLONE_NEWUSER | CLONE_NEWNET));
	inside = open(VHOST_DEVICE, O_RDWR | O_CLOEXEC);
	if (call_ok(inside, "root of a user namespace opens it by the file's mode alone"))
		is_errno(device_set_cid(inside, CID), EADDRINUSE, "and is in the global domain");
}

int main(void)
{
	watchdog(200);
	ns_setup();
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (scenarios[i].types & STREAM)
			play(&scenarios[i], SOCK_STREAM);
		if (scenarios[i].types & MESSAGES)
			play(&scenarios[i], SOCK_SEQPACKET);
	}
	check_many_local();
	check_deleted();
	check_deleted_global();
	check_killed(NS_INIT);
	check_killed(NS_LA);
	in_child(in_userns);

	return done();
}
