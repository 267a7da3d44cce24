// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of connections with a virtual machine in which guest-agent runs.
 *	guest-traffic CID WHAT [NUMBER] [call]
 * With "call" the guest connects to the host, else the host to the guest. Prints "ok" or says what is wrong. WHAT is
 *	ping			the guest answers, and knows its CID
 *	order TEXT		an order of guest-agent; prints the answer
 *	to-guest BYTES, from-guest BYTES	a stream
 *	messages-to-guest COUNT, messages-from-guest COUNT
 *	half-close BYTES	one side sends, shuts down, and then receives; each in turn
 *	many COUNT		connections, all open at once, each with data of its own
 *	refused			a port at which nobody listens
 *	drop			the peer closes while we send
 *	flow			sends until that fails; prints the error
 *	hold COUNT		says "ok", keeps that many connections busy until all have ended, prints how
 *	rate-to BYTES, rate-from BYTES		prints nanoseconds per KiB
 */
#include "vsock_test.h"
#include "traffic.h"

static unsigned int guest;
static bool calls;

/* One connection: the data, and with "call" the one by which it was ordered. */
struct exchange {
	int type;
	int fd;
	int control;
};

static int complain(const char *what, int err)
{
	if (err)
		fprintf(stderr, "# guest-traffic: %s: %s\n", what, strerrorname_np(err));
	return err;
}

static int send_order(int fd, const char *order)
{
	char line[TRAFFIC_ORDER_MAX];
	int len = snprintf(line, sizeof(line), "%s\n", order);

	return send(fd, line, len, MSG_NOSIGNAL) == len ? 0 : errno;
}

/* A guest on an emulated processor takes longer to answer than the two seconds that connect() waits by itself. */
static int connect_guest(int type, unsigned int port, int *fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int err;

	*fd = vm_socket(type);
	must(setsockopt(*fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience)));
	err = vm_connect(*fd, guest, port);
	if (err)
		close(*fd);
	return err;
}

static int order_connection(struct exchange *exchange, const char *order)
{
	unsigned int port = exchange->type == SOCK_STREAM ? TRAFFIC_STREAM_PORT : TRAFFIC_MESSAGE_PORT;
	int err = connect_guest(exchange->type, port, &exchange->fd);

	exchange->control = -1;
	return complain("connect", err) ?: complain("order", send_order(exchange->fd, order));
}

static int order_call(struct exchange *exchange, const char *order)
{
	int listener = vm_listen(exchange->type);
	char line[TRAFFIC_ORDER_MAX];
	int err;

	snprintf(line, sizeof(line), "call %s %u %s", type_name(exchange->type), vm_port(listener), order);
	err = connect_guest(SOCK_STREAM, TRAFFIC_STREAM_PORT, &exchange->control);
	err = complain("connect", err) ?: complain("order", send_order(exchange->control, line));
	if (!err) {
		set_timeout(listener, SO_RCVTIMEO, PATIENCE_MS);
		exchange->fd = vm_accept(listener);
		err = complain("accept", errno_of(exchange->fd));
	}
	if (!err && vm_peer(exchange->fd).svm_cid != guest)
		err = complain("the caller's CID", EREMCHG);
	close(listener);
	return err;
}

static int begin(struct exchange *exchange, int type, const char *verb, unsigned long long number)
{
	char order[TRAFFIC_ORDER_MAX];

	exchange->type = type;
	snprintf(order, sizeof(order), "%s %llu", verb, number);
	return calls ? order_call(exchange, order) : order_connection(exchange, order);
}

static int expect_ok(int fd, const char *who)
{
	char line[TRAFFIC_ORDER_MAX];
	int err = complain(who, traffic_read_line(fd, line, sizeof(line)));

	if (!err && strcmp(line, "ok")) {
		fprintf(stderr, "# guest-traffic: the guest says: %s\n", line);
		err = EREMOTEIO;
	}
	return err;
}

/* What the guest thinks of it; it does so when its side has ended. */
static int end(struct exchange *exchange)
{
	int err = 0;

	close(exchange->fd);
	if (exchange->control >= 0) {
		err = expect_ok(exchange->control, "the guest's verdict");
		close(exchange->control);
	}
	return err;
}

static int shut_down(int fd)
{
	return complain("shutdown", errno_of(shutdown(fd, SHUT_WR)));
}

static int order(const char *text)
{
	struct exchange exchange = { .type = SOCK_STREAM };
	char line[TRAFFIC_ORDER_MAX];
	int err = order_connection(&exchange, text) ?:
		  complain("answer", traffic_read_line(exchange.fd, line, sizeof(line)));

	if (!err)
		puts(line);
	return err;
}

static int ping(void)
{
	struct exchange exchange = { .type = SOCK_STREAM };
	char line[TRAFFIC_ORDER_MAX], cid[16];
	int err = order_connection(&exchange, "cid") ?:
		  complain("answer", traffic_read_line(exchange.fd, line, sizeof(line)));

	snprintf(cid, sizeof(cid), "%u", guest);
	return err ?: complain("the guest's CID", strcmp(line, cid) ? EREMCHG : 0);
}

static int to_guest(int type, unsigned long long number)
{
	bool stream = type == SOCK_STREAM;
	struct exchange exchange;
	int err = begin(&exchange, type, stream ? "sink" : "sink-messages", number);

	if (!err)
		err = stream ? traffic_send(exchange.fd, number) : traffic_send_messages(exchange.fd, number);
	return complain("send", err) ?: shut_down(exchange.fd) ?:
	       expect_ok(exchange.fd, "received by the guest") ?: end(&exchange);
}

static int from_guest(int type, unsigned long long number)
{
	bool stream = type == SOCK_STREAM;
	struct exchange exchange;
	int err = begin(&exchange, type, stream ? "source" : "source-messages", number);

	if (!err)
		err = stream ? traffic_receive(exchange.fd, number) :
			       traffic_receive_messages(exchange.fd, number);
	return complain("receive", err) ?: end(&exchange);
}

static int half_close(unsigned long long bytes)
{
	struct exchange exchange;
	int err = begin(&exchange, SOCK_STREAM, "sink-source", bytes) ?:
		  complain("send", traffic_send(exchange.fd, bytes)) ?: shut_down(exchange.fd) ?:
		  complain("receive after our shutdown", traffic_receive(exchange.fd, bytes)) ?: end(&exchange);

	return err ?: begin(&exchange, SOCK_STREAM, "source-sink", bytes) ?:
	       complain("receive", traffic_receive(exchange.fd, bytes)) ?:
	       complain("send after the guest's shutdown", traffic_send(exchange.fd, bytes)) ?:
	       shut_down(exchange.fd) ?: end(&exchange);
}

static int many(unsigned long long count)
{
	struct exchange *all = calloc(count, sizeof(*all));
	unsigned int i, sent, got;
	int err = 0;

	for (i = 0; i < count && !err; i++)
		err = begin(&all[i], SOCK_STREAM, "echo", 0);
	for (i = 0; i < count && !err; i++) {
		sent = i * 2654435761u;
		err = complain("send", send(all[i].fd, &sent, sizeof(sent), 0) == sizeof(sent) ? 0 : errno);
	}
	for (i = 0; i < count && !err; i++) {
		err = complain("echo", recv(all[i].fd, &got, sizeof(got), MSG_WAITALL) == sizeof(got) ? 0 : errno);
		if (!err)
			err = complain("echo of another connection", got == i * 2654435761u ? 0 : EILSEQ);
	}
	for (i = 0; i < count && !err; i++)
		err = shut_down(all[i].fd) ?: end(&all[i]);
	free(all);
	return err;
}

static int refused(void)
{
	int fd, err = connect_guest(SOCK_STREAM, 999, &fd);

	return err == ECONNRESET ? 0 : complain("a port at which nobody listens", err ?: EISCONN);
}

/* Sends until it fails; returns how. */
static int flow(const char *verb)
{
	struct exchange exchange;
	int err = begin(&exchange, SOCK_STREAM, verb, 1ull << 40);

	return err ? 0 : traffic_send(exchange.fd, 1ull << 40);
}

static int drop(void)
{
	int err = flow("drop");

	return err == EPIPE || err == ECONNRESET ? 0 : complain("send to who has closed", err ?: EISCONN);
}

static int hold(unsigned int count)
{
	struct pollfd *polls = calloc(count, sizeof(*polls));
	int *errors = calloc(count, sizeof(*errors));
	unsigned int i, ended = 0, same;
	struct exchange exchange;
	int err;

	for (i = 0; i < count; i++) {
		err = begin(&exchange, SOCK_STREAM, "echo", 0);
		if (err)
			return err;
		polls[i] = (struct pollfd){ .fd = exchange.fd, .events = POLLIN | POLLRDHUP };
	}
	puts("ok");
	fflush(stdout);
	while (ended < count) {
		/* Each has something to say every now and then: a guest that has forgotten it cannot answer otherwise. */
		if (!must(poll(polls, count, 500)))
			for (i = 0; i < count; i++)
				send(polls[i].fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		for (i = 0; i < count; i++) {
			char echoes[64];

			if (polls[i].revents & (POLLERR | POLLRDHUP)) {
				errors[i] = so_error(polls[i].fd);
				polls[i].fd = -1;
				ended++;
			} else if (polls[i].revents) {
				recv(polls[i].fd, echoes, sizeof(echoes), MSG_DONTWAIT);
			}
		}
	}
	for (same = 1; same < count && errors[same] == errors[0]; same++)
		;
	printf("%u %s\n", same, errors[0] ? strerrorname_np(errors[0]) : "no error");
	return 0;
}

static int rate(int (*way)(int type, unsigned long long number), unsigned long long bytes)
{
	struct timespec start, stop;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &start);
	err = way(SOCK_STREAM, bytes);
	clock_gettime(CLOCK_MONOTONIC, &stop);
	if (!err)
		printf("%.1f\n", ((stop.tv_sec - start.tv_sec) * 1e9 + stop.tv_nsec - start.tv_nsec) / (bytes / 1024.0));
	return err;
}

static int judge(int err)
{
	puts(err ? strerrorname_np(err) : "ok");
	return err != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	unsigned long long number = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

	watchdog(600);
	traffic_prepare();
	guest = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	calls = argc > 3 && !strcmp(argv[argc - 1], "call");
	if (!strcmp(what, "ping"))
		return judge(ping());
	if (!strcmp(what, "order") && argc > 3)
		return order(argv[3]) != 0;
	if (!strcmp(what, "to-guest"))
		return judge(to_guest(SOCK_STREAM, number));
	if (!strcmp(what, "from-guest"))
		return judge(from_guest(SOCK_STREAM, number));
	if (!strcmp(what, "messages-to-guest"))
		return judge(to_guest(SOCK_SEQPACKET, number));
	if (!strcmp(what, "messages-from-guest"))
		return judge(from_guest(SOCK_SEQPACKET, number));
	if (!strcmp(what, "half-close"))
		return judge(half_close(number));
	if (!strcmp(what, "many"))
		return judge(many(number));
	if (!strcmp(what, "refused"))
		return judge(refused());
	if (!strcmp(what, "drop"))
		return judge(drop());
	if (!strcmp(what, "flow"))
		return judge(flow("sink"));
	if (!strcmp(what, "hold"))
		return hold(number) != 0;
	if (!strcmp(what, "rate-to"))
		return rate(to_guest, number) != 0;
	if (!strcmp(what, "rate-from"))
		return rate(from_guest, number) != 0;
	fputs("guest-traffic: see the top of its source\n", stderr);
	return 2;
}
