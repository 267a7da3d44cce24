// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest comes and goes while others call its CID, which a guest transport serves
 * by fallback when there is no such guest: each call is answered as with the guest,
 * or as without it.
 */
#include "guest_conn.h"

#define CID		50
#define PORT		13	/* where the far side of the test transport says its name */

/* The race goes on until the guest lived so often. */
#define LIVES	40

static atomic_int calls_left, lives;
static atomic_bool over;

static struct {
	const char *name;
	bool fine;
	atomic_int count;
} outcomes[] = {
	{ "the guest answered", true, 0 },
	{ "the guest went meanwhile", true, 0 },
	{ "the guest did not run yet, or no more", true, 0 },
	{ "the host above answered", true, 0 },
	{ "ENODEV, though there is a way out", false, 0 },
	{ "no answer", false, 0 },
	{ "something else", false, 0 },
};

enum { GUEST, GUEST_WENT, GUEST_STILL, HOST, NOBODY, NO_ANSWER, OTHER };

static int judge_error(int err)
{
	switch (err) {
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return GUEST_WENT;
	case EHOSTUNREACH:
		return GUEST_STILL;
	case ENODEV:
		return NOBODY;
	case ETIMEDOUT:
	case EAGAIN:
		return NO_ANSWER;
	default:
		diag("a call: %s", strerrorname_np(err));
		return OTHER;
	}
}

static int call_once(void)
{
	char name[16] = "";
	int fd = vm_socket(SOCK_STREAM);
	int err = vm_connect(fd, CID, PORT), outcome;
	struct sockaddr_vm peer;
	ssize_t n = 0;

	if (!err) {
		peer = vm_peer(fd);
		n = recv(fd, name, sizeof(name) - 1, MSG_WAITALL);
		err = n < 0 ? errno : 0;
	}
	close(fd);
	if (err)
		return judge_error(err);
	outcome = !strcmp(name, "guest") ? GUEST : !n ? GUEST_WENT :
		  !strcmp(name, "test_virtio") ? HOST : OTHER;
	/* Who was chosen shows on the peer's address. */
	if ((outcome == HOST) != !!(peer.svm_flags & VMADDR_FLAG_TO_HOST) && peer.svm_family)
		return OTHER;
	return outcome;
}

static void *caller(void *arg)
{
	(void)arg;
	while (atomic_fetch_sub(&calls_left, 1) > 0 || lives < LIVES)
		outcomes[call_once()].count++;
	return NULL;
}

/* A guest that answers for a while. */
static void live(unsigned int *seed)
{
	const unsigned int port = PORT;
	struct guest *g = guest_new(.cid = CID);
	int answers = rand_r(seed) % 4;

	while (!over && answers-- > 0) {
		struct packet *p = guest_expect_within(g, is_request, &port, 20);
		struct conn c;

		if (!p)
			continue;
		c = (struct conn) {
			.g = g, .port = port, .host_port = p->hdr.src_port, .buf_alloc = GUEST_BUFFER,
			.type = SOCK_STREAM, .peer_alloc = p->hdr.buf_alloc, .peer_fwd = p->hdr.fwd_cnt,
		};
		free(p);
		conn_send(&c, OP_RESPONSE, 0, NULL, 0);
		conn_send(&c, OP_RW, 0, "guest", 5);
		conn_send(&c, OP_SHUTDOWN, VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND, NULL, 0);
	}
	guest_free(g);
	lives++;
}

static void *guests(void *arg)
{
	unsigned int seed = 1;

	(void)arg;
	while (!over) {
		live(&seed);
		/* Some calls are made without it. */
		for (int end = calls_left - 10; !over && calls_left > end;)
			sched_yield();
	}
	return NULL;
}

/* ---- The hypervisor above gives this machine a CID that a guest of its has already ---- */

static void hypervisor_gives(unsigned int cid)
{
	int fd = must(open("/sys/module/test_virtio/parameters/cid", O_WRONLY | O_CLOEXEC));

	must(dprintf(fd, "%u", cid));
	close(fd);
}

static void check_cid_taken_above(void)
{
	struct guest *g = guest_new(.cid = CID), *other = guest_new(.cid = CID + 1);
	int listener = vm_listen(SOCK_STREAM), device = device_open_in(0), fd;
	struct conn c, late;

	fd = conn_from_guest(&c, g, listener);
	is_errno(conn_echo(&c, fd), 0, "a guest calls");
	hypervisor_gives(CID);
	late = conn_init(g, SOCK_STREAM, vm_port(listener));
	is_text(conn_request(&late), "RST", "its CID is this machine's own now: it is refused");
	is_int(poll_now(listener), 0, "and the listener hears nothing");
	is_errno(conn_echo(&c, fd), 0, "what was connected stays");
	close(fd);
	fd = conn_from_guest(&c, other, listener);
	is_errno(conn_echo(&c, fd), 0, "a guest with another CID is not concerned");
	is_errno(device_set_cid(device, CID), EADDRINUSE, "no guest gets it now");
	guest_free(g);
	is_errno(device_set_cid(device, CID), EADDRINUSE, "nor when the one is gone");
	hypervisor_gives(3);
	is_errno(device_set_cid(device, CID), 0, "until it is free again");
	close(fd);
	close(device);
	close(listener);
	guest_free(other);
}

int main(int argc, char **argv)
{
	pthread_t callers[3], guest;
	int rounds = argc > 1 ? atoi(argv[1]) : 1000;

	watchdog(400);
	calls_left = rounds;
	must(-pthread_create(&guest, NULL, guests, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		must(-pthread_create(&callers[i], NULL, caller, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		pthread_join(callers[i], NULL);
	over = true;
	pthread_join(guest, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		if (outcomes[i].fine)
			diag("%d times: %s", outcomes[i].count, outcomes[i].name);
		else
			is_int(outcomes[i].count, 0, "%s", outcomes[i].name);
	}
	ok(outcomes[GUEST].count > 0, "the guest answered at times");
	ok(outcomes[HOST].count > 0, "and the host above at times");
	diag("the guest lived %d times", lives);
	check_cid_taken_above();

	return done();
}
