// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shell tests do with sockets. Prints one word, "ok" or an error's name:
 *	pair [TYPE [CID]]	listens, connects to it at CID (1), echoes a byte
 *	push TYPE BYTES		a connection that BYTES go through: a stream, or one message
 *				with MSG_EOR
 *	connect CID PORT [TYPE]	connects, and that is all; --timeout MS before it
 *	late MS			connects to itself without blocking, MS being its timeout, and
 *				stays connected for twice as long
 *	cost			the least nanoseconds that a byte and its echo took
 *	socket TYPE		makes a socket; TYPE also dgram
 *	cid			the number, or the error, that /dev/vsock tells
 * These say "ok", keep everything open until their input ends, and check it:
 *	hold [TYPE [CID]]	a connection; says ok again when it still works then
 *	listen PORT [TYPE]	a listener
 *	bind PORT [TYPE]	a bound socket
 *	vhost CID		a guest's device
 *	tap DEVICE		a vsockmon device; at the end "connect N disconnect N
 *				control N payload N bytes N eom N eor N": frames,
 *				bytes of payload, ends of messages and of records
 * churn: many threads make, use and close connections until SIGTERM; the modules
 *	may come and go meanwhile. Says how often it worked.
 */
#include "vsock_test.h"

#include <arpa/inet.h>
#include <endian.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/vhost.h>
#include <linux/virtio_vsock.h>
#include <linux/vsockmon.h>

static int type = SOCK_STREAM;

static int say(int err)
{
	puts(err ? strerrorname_np(err) : "ok");
	fflush(stdout);
	return err ? 1 : 0;
}

static void parse_type(const char *word)
{
	if (word)
		type = !strcmp(word, "seqpacket") ? SOCK_SEQPACKET :
		       !strcmp(word, "dgram") ? SOCK_DGRAM : SOCK_STREAM;
}

static void wait_for_input_end(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static int make_socket(void)
{
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		exit(say(errno));
	set_timeout(fd, SO_RCVTIMEO, PATIENCE_MS);
	set_timeout(fd, SO_SNDTIMEO, PATIENCE_MS);
	return fd;
}

/* A connection, or its error. */
static int make_pair(unsigned int cid, int *client, int *server)
{
	int listener = make_socket(), err;

	*server = -1;
	*client = make_socket();
	err = vm_bind(listener, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	if (!err)
		err = errno_of(listen(listener, 1));
	if (!err)
		err = vm_connect(*client, cid, vm_port(listener));
	if (!err) {
		*server = vm_accept(listener);
		err = errno_of(*server);
	}
	close(listener);
	return err;
}

static int do_pair(unsigned int cid, bool hold)
{
	int client, server;
	int err = make_pair(cid, &client, &server);

	if (!err)
		err = vm_echo(client, server);
	if (err || !hold)
		return say(err);
	say(0);
	wait_for_input_end();
	return say(vm_echo(client, server));
}

static int do_push(size_t len)
{
	size_t sent = 0, got = 0;
	int client, server, err = make_pair(VMADDR_CID_LOCAL, &client, &server);
	char *out = malloc(len), *in = malloc(len);
	ssize_t n = 1;

	if (err)
		return say(err);
	data_fill(out, len, 0);
	while (got < len && n) {
		if (sent < len) {
			n = send(client, out + sent, len - sent, MSG_DONTWAIT | (type == SOCK_STREAM ? 0 : MSG_EOR));
			if (n < 0 && errno != EAGAIN)
				return say(errno);
			sent += n > 0 ? n : 0;
		}
		n = recv(server, in + got, len - got, 0);
		if (n < 0)
			return say(errno);
		got += n;
	}
	return say(got != len || data_check(in, len, 0) >= 0 ? EBADMSG : 0);
}

static int do_connect(unsigned int cid, unsigned int port, int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int fd = make_socket();

	if (timeout_ms)
		must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	return say(vm_connect(fd, cid, port));
}

static int do_late(int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int listener = vm_listen(type), fd = make_socket(), err;

	must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	set_nonblock(fd, true);
	err = vm_connect(fd, VMADDR_CID_LOCAL, vm_port(listener));
	if (err != EINPROGRESS)
		return say(err);
	poll_for(fd, POLLOUT);
	poll(NULL, 0, 2 * timeout_ms);
	return say(so_error(fd));
}

static int do_cost(void)
{
	long long least = LLONG_MAX, cost;
	struct timespec from, to;
	int client, server, i;

	vm_pair(type, &client, &server);
	for (i = 0; i < 1000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		must(-vm_echo(client, server));
		clock_gettime(CLOCK_MONOTONIC, &to);
		cost = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
		if (cost < least)
			least = cost;
	}
	printf("%lld\n", least);
	return 0;
}

static int do_listen(unsigned int port, bool bound_only)
{
	int fd = make_socket();
	int err = vm_bind(fd, VMADDR_CID_ANY, port);

	if (!err && !bound_only)
		err = errno_of(listen(fd, 8));
	say(err);
	if (!err)
		wait_for_input_end();
	return err != 0;
}

static int do_cid(void)
{
	int fd = open("/dev/vsock", O_RDONLY);
	unsigned int cid;

	if (fd < 0 || ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid))
		return say(errno);
	printf("%d\n", (int)cid);
	return 0;
}

static int do_vhost(unsigned long long cid)
{
	int fd = open("/dev/vhost-vsock", O_RDWR);
	int err = errno_of(fd);

	if (!err)
		err = errno_of(ioctl(fd, VHOST_SET_OWNER));
	if (!err)
		err = errno_of(ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid));
	say(err);
	if (!err)
		wait_for_input_end();
	return err != 0;
}

static int do_tap(const char *device)
{
	struct __attribute__((packed)) {
		struct af_vsockmon_hdr header;
		struct virtio_vsock_hdr packet;
		char payload[70000];
	} frame;
	const ssize_t headers = sizeof(frame) - sizeof(frame.payload);
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(device),
	};
	long ops[AF_VSOCK_OP_PAYLOAD + 1] = {}, bytes = 0, eom = 0, eor = 0;
	const int room = 16 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	int err = errno_of(fd) ?: errno_of(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ssize_t n;
	int op;

	if (!err)
		err = errno_of(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	say(err);
	if (err)
		return 1;
	wait_for_input_end();
	while ((n = recv(fd, &frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
		op = le16toh(frame.header.op);
		if (n < headers || op > AF_VSOCK_OP_PAYLOAD ||
		    le16toh(frame.header.transport) != AF_VSOCK_TRANSPORT_VIRTIO ||
		    le16toh(frame.header.len) != sizeof(frame.packet) ||
		    le32toh(frame.packet.len) != n - headers ||
		    frame.packet.src_cid != frame.header.src_cid ||
		    frame.packet.dst_cid != frame.header.dst_cid ||
		    frame.packet.src_port != frame.header.src_port ||
		    frame.packet.dst_port != frame.header.dst_port)
			return say(EPROTO);
		ops[op]++;
		if (op != AF_VSOCK_OP_PAYLOAD)
			continue;
		bytes += n - headers;
		eom += !!(le32toh(frame.packet.flags) & VIRTIO_VSOCK_SEQ_EOM);
		eor += !!(le32toh(frame.packet.flags) & VIRTIO_VSOCK_SEQ_EOR);
	}
	printf("connect %ld disconnect %ld control %ld payload %ld bytes %ld eom %ld eor %ld\n",
	       ops[AF_VSOCK_OP_CONNECT], ops[AF_VSOCK_OP_DISCONNECT], ops[AF_VSOCK_OP_CONTROL],
	       ops[AF_VSOCK_OP_PAYLOAD], bytes, eom, eor);
	return 0;
}

/* ---- churn ---- */

static atomic_bool stop;
static atomic_long worked, refused;
static atomic_int broken;

static void on_stop(int signal)
{
	(void)signal;
	stop = true;
}

static void complain(const char *what, int err)
{
	if (!broken++)
		fprintf(stderr, "# churn: %s: %s\n", what, err ? strerrorname_np(err) : "wrong data");
}

/* The family may be gone (and is loaded again by asking), or its loopback. */
static void churn_once(int socket_type, unsigned int *seed)
{
	static const char text[4000] = "churn";
	int listener, client, server = -1, err;
	size_t len = 1 + rand_r(seed) % (sizeof(text) - 1);
	char got[sizeof(text)];

	listener = socket(AF_VSOCK, socket_type, 0);
	client = socket(AF_VSOCK, socket_type, 0);
	if (listener < 0 || client < 0) {
		if (errno != EAFNOSUPPORT)
			complain("socket", errno);
		refused++;
		goto out;
	}
	err = vm_bind(listener, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	if (!err)
		err = errno_of(listen(listener, 1));
	if (err)
		complain("listen", err);
	err = vm_connect(client, VMADDR_CID_LOCAL, vm_port(listener));
	if (err) {
		/* Without loopback CID 1 is looked for at the host above, if there is a way to it. */
		if (err != ENODEV && err != ESOCKTNOSUPPORT && err != ENETUNREACH)
			complain("connect", err);
		refused++;
		goto out;
	}
	set_timeout(listener, SO_RCVTIMEO, PATIENCE_MS);
	server = vm_accept(listener);
	if (server < 0 || send(client, text, len, 0) != (ssize_t)len ||
	    recv(server, got, len, MSG_WAITALL) != (ssize_t)len)
		complain("a connection", errno);
	else if (memcmp(text, got, len))
		complain("a connection", 0);
	else
		worked++;
	if (rand_r(seed) % 2) {
		close(server);
		server = -1;
	}
out:
	if (client >= 0)
		close(client);
	if (server >= 0)
		close(server);
	if (listener >= 0)
		close(listener);
}

static void *churn_thread(void *arg)
{
	unsigned int seed = (long)arg;

	while (!stop) {
		churn_once(rand_r(&seed) % 2 ? SOCK_STREAM : SOCK_SEQPACKET, &seed);
		/* At times nobody has a socket, and the modules can go. */
		if (rand_r(&seed) % 8 == 0)
			poll(NULL, 0, rand_r(&seed) % 30);
	}
	return NULL;
}

static int do_churn(void)
{
	pthread_t threads[3];
	long i;

	signal(SIGTERM, on_stop);
	for (i = 0; i < 3; i++)
		must(-pthread_create(&threads[i], NULL, churn_thread, (void *)(i + 1)));
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("worked %ld refused %ld broken %d\n", worked, refused, broken);
	return broken || !worked;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	unsigned int number = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	int timeout_ms = 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 3 && !strcmp(word, "--timeout")) {
		timeout_ms = number;
		argv += 2;
		argc -= 2;
		word = argv[1];
		number = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	}
	if (!strcmp(word, "pair") || !strcmp(word, "hold")) {
		parse_type(argv[2]);
		return do_pair(argc > 3 ? strtoul(argv[3], NULL, 0) : VMADDR_CID_LOCAL, word[0] == 'h');
	}
	if (!strcmp(word, "push") && argc > 3) {
		parse_type(argv[2]);
		return do_push(strtoul(argv[3], NULL, 0));
	}
	if (!strcmp(word, "connect") && argc > 3) {
		parse_type(argv[4]);
		return do_connect(number, strtoul(argv[3], NULL, 0), timeout_ms);
	}
	if (!strcmp(word, "late"))
		return do_late(number);
	if (!strcmp(word, "cost"))
		return do_cost();
	if (!strcmp(word, "socket")) {
		parse_type(argv[2]);
		close(make_socket());
		return say(0);
	}
	if (!strcmp(word, "listen") || !strcmp(word, "bind")) {
		parse_type(argc > 2 ? argv[3] : NULL);
		return do_listen(number, word[0] == 'b');
	}
	if (!strcmp(word, "cid"))
		return do_cid();
	if (!strcmp(word, "vhost"))
		return do_vhost(argc > 2 ? strtoull(argv[2], NULL, 0) : 0);
	if (!strcmp(word, "tap") && argc > 2)
		return do_tap(argv[2]);
	if (!strcmp(word, "churn"))
		return do_churn();
	fputs("vsock-tool: see the top of its source\n", stderr);
	return 2;
}
