// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives the test transports of tests/modules through sockets, and prints in one
 * line what came of each step, "ok" or an error's name:
 *	stream CID		a connection to the echo there, and all that a
 *				stream can do
 *	seqpacket CID		the same for messages
 *	ends CID		how connections end that the far side does not keep
 *	name CID		who answers: the name it says, and the peer's address
 *	called PORT [TYPE]	listens; when it is called, takes the connection and
 *				talks to the echo that called
 *	dgram CID		datagrams to there and back
 *	sockmap CID		a stream whose data goes through a sockmap's program
 *	race FILE CID COUNT	COUNT or more connections to the far side that says its
 *				name, while the module in FILE, with its parameters in
 *				$PARAMETERS, comes and goes; prints each outcome once,
 *				sorted, and how often to stderr
 */
#include "vsock_test.h"
#include "bpf_map.h"

enum { FAR_ECHO = 7, FAR_NAME = 13, FAR_SILENT = 21, FAR_REFUSING = 22, FAR_RESET = 23, FAR_NO_WAY = 24,
       FAR_END = 25 };

static int type = SOCK_STREAM;

static void say(const char *what, int err)
{
	/* Some kernels have an error for SO_ZEROCOPY that programs have no name for. */
	printf("%s=%s ", what, err ? strerrorname_np(err) ?: "unknown" : "ok");
	fflush(stdout);
}

static void say_number(const char *what, long long number)
{
	printf("%s=%lld ", what, number);
	fflush(stdout);
}

/* 0 or an error: @len bytes come back as they went. */
static int echo(int fd, size_t len, int flags)
{
	char *out = malloc(len), *in = calloc(1, len);
	ssize_t n;
	int err = 0;

	data_fill(out, len, len);
	n = send(fd, out, len, 0);
	if (n != (ssize_t)len)
		err = n < 0 ? errno : EMSGSIZE;
	for (size_t got = 0; !err && got < len; got += n) {
		n = recv(fd, in + got, len - got, flags);
		if (n <= 0)
			err = n ? errno : EPIPE;
	}
	if (!err && data_check(in, len, len) >= 0)
		err = EBADMSG;
	free(out);
	free(in);
	return err;
}

#define BIG 400000

static long long send_big(void *arg)
{
	char *out = malloc(BIG);
	ssize_t n;

	data_fill(out, BIG, 0);
	n = send(*(int *)arg, out, BIG, 0);
	free(out);
	return n;
}

/* More than both directions hold: the sender sleeps until something is received. */
static int echo_big(int fd)
{
	char *in = malloc(BIG);
	struct task sender;
	ssize_t n = 1;
	int err = 0;

	task_start(&sender, send_big, &fd);
	if (!task_sleeps(&sender))
		err = EPROTO;
	for (size_t got = 0; !err && got < BIG; got += n) {
		n = recv(fd, in + got, BIG - got, 0);
		if (n <= 0)
			err = n ? errno : EPIPE;
	}
	if (!task_ends(&sender) || sender.result != BIG)
		err = err ?: EMSGSIZE;
	if (!err && data_check(in, BIG, 0) >= 0)
		err = EBADMSG;
	free(in);
	return err;
}

static long long send_later(void *arg)
{
	poll(NULL, 0, 50);
	return send(*(int *)arg, "!", 1, 0);
}

/* The receiver sleeps first. */
static int echo_late(int fd)
{
	struct task sender;
	char byte = 0;
	int err;

	task_start(&sender, send_later, &fd);
	err = recv(fd, &byte, 1, 0) == 1 ? 0 : errno ?: EPIPE;
	if (!task_ends(&sender))
		err = EPROTO;
	return err ?: byte == '!' ? 0 : EBADMSG;
}

static int set_lowat(int fd, int bytes)
{
	return errno_of(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)));
}

/* Until as much waits as the far side was sent. */
static bool wait_for_data(int fd)
{
	return poll_for(fd, POLLIN) & POLLIN;
}

static void do_options(int fd)
{
	int bytes = -1, on = 1;
	char buffer[8];

	must(send(fd, "abc", 3, 0));
	wait_for_data(fd);
	say("peek", errno_of(recv(fd, buffer, sizeof(buffer), MSG_PEEK)));
	say("inq", errno_of(ioctl(fd, SIOCINQ, &bytes)));
	say_number("bytes", bytes);
	say_number("received", recv(fd, buffer, sizeof(buffer), 0));
	say("outq", errno_of(ioctl(fd, SIOCOUTQ, &bytes)));
	say("buffer", set_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE, 200000));
	say_number("size", get_buffer(fd, SO_VM_SOCKETS_BUFFER_SIZE));
	say("lowat", set_lowat(fd, 4));
	say("zerocopy", errno_of(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on))));
	set_lowat(fd, 1);
}

static void do_end(int fd)
{
	char byte;

	say("shutdown", errno_of(shutdown(fd, SHUT_WR)));
	say_number("end", recv(fd, &byte, 1, 0));
	say("after", errno_of(send(fd, "x", 1, MSG_NOSIGNAL)));
	close(fd);
}

static long long receive_byte(void *arg)
{
	char byte;

	return recv(*(int *)arg, &byte, 1, 0);
}

/* The far side ends while we sleep for its data, which nothing else interrupts. */
static void do_sleep(int fd)
{
	long long start = now_ms();
	struct task receiver;

	task_start(&receiver, receive_byte, &fd);
	if (!task_sleeps(&receiver))
		say("asleep", EPROTO);
	must(send(fd, "x", 1, 0));
	say_number("ended", task_ends(&receiver) ? receiver.result : -2);
	/* Who sleeps to the end of its timeout was not woken. */
	if (now_ms() - start > PATIENCE_MS / 2)
		say("woken", ETIMEDOUT);
}

static void do_connected(int fd)
{
	say_number("poll", poll_now(fd));
	say("echo", echo(fd, 1000, 0));
	say("late", echo_late(fd));
	if (type == SOCK_STREAM) {
		say("waitall", echo(fd, 9000, MSG_WAITALL));
		say("big", echo_big(fd));
		do_options(fd);
	} else {
		char buffer[2] = "";

		say("long", echo(fd, 60000, 0));
		say("toolong", echo(fd, 100000, 0));
		must(send(fd, "abc", 3, 0));
		say_number("truncated", recv(fd, buffer, 2, MSG_TRUNC));
	}
	do_end(fd);
}

static int call(unsigned int cid, unsigned int port, int *fd)
{
	*fd = vm_socket(type);
	return vm_connect(*fd, cid, port);
}

static int do_talk(unsigned int cid)
{
	int fd, err = call(cid, FAR_ECHO, &fd);

	say("connect", err);
	if (!err)
		do_connected(fd);
	return 0;
}

static int do_ends(unsigned int cid)
{
	struct timeval short_time = { 0, 300000 };
	char byte;
	int fd;

	say("refused", call(cid, FAR_REFUSING, &fd));
	say("again", vm_connect(fd, cid, FAR_ECHO));
	say("echo", echo(fd, 10, 0));
	close(fd);
	say("noway", call(cid, FAR_NO_WAY, &fd));
	close(fd);
	fd = vm_socket(type);
	must(setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &short_time, sizeof(short_time)));
	say("silent", vm_connect(fd, cid, FAR_SILENT));
	close(fd);
	/* Nobody waits for the answer any more. */
	fd = vm_socket(type);
	set_nonblock(fd, true);
	say("pending", vm_connect(fd, cid, FAR_SILENT));
	close(fd);
	say("connect", call(cid, FAR_RESET, &fd));
	must(send(fd, "x", 1, 0));
	/* Who comes late is told of the end by recv(), and why by SO_ERROR. */
	say("reset", recv(fd, &byte, 1, 0) < 0 ? errno : so_error(fd));
	close(fd);
	say("connect", call(cid, FAR_END, &fd));
	do_sleep(fd);
	close(fd);
	return 0;
}

/* In @name, which has 64 bytes: who answered, or the error. */
static void ask_name(unsigned int cid, char *name)
{
	struct sockaddr_vm peer;
	ssize_t n = 0;
	int fd, err = call(cid, FAR_NAME, &fd);

	if (!err) {
		peer = vm_peer(fd);
		n = recv(fd, name, 40, MSG_WAITALL);
		err = n < 0 ? errno : 0;
	}
	if (err)
		strcpy(name, strerrorname_np(err));
	else
		sprintf(name + n, " at %d%s", (int)peer.svm_cid,
			peer.svm_flags & VMADDR_FLAG_TO_HOST ? "+flag" : "");
	close(fd);
}

static int do_name(unsigned int cid)
{
	char name[64];

	ask_name(cid, name);
	puts(name);
	return 0;
}

static int do_called(unsigned int port)
{
	int listener = vm_socket(type), fd;
	struct sockaddr_vm peer;

	must(-vm_bind(listener, VMADDR_CID_ANY, port));
	must(listen(listener, 4));
	puts("listens");
	fflush(stdout);
	say("poll", poll_for(listener, POLLIN) & POLLIN ? 0 : ETIMEDOUT);
	fd = vm_accept(listener);
	say("accept", errno_of(fd));
	if (fd < 0)
		return 0;
	peer = vm_peer(fd);
	printf("from=%u:%u%s ", peer.svm_cid, peer.svm_port, peer.svm_flags & VMADDR_FLAG_TO_HOST ? "+flag" : "");
	say("echo", echo(fd, 5000, 0));
	do_end(fd);
	return 0;
}

static int do_dgram(unsigned int cid)
{
	struct sockaddr_vm to = vm_addr(cid, 77), from = {};
	socklen_t len = sizeof(from);
	char buffer[100] = "";
	int a = vm_socket(SOCK_DGRAM), b = vm_socket(SOCK_DGRAM);

	say("bind", vm_bind(a, VMADDR_CID_ANY, 4000));
	say("taken", vm_bind(b, VMADDR_CID_ANY, 4000));
	say("any", vm_bind(b, VMADDR_CID_ANY, VMADDR_PORT_ANY));
	say_number("resource", vm_port(b) >= 5000 && vm_port(b) != VMADDR_PORT_ANY);
	say("unaddressed", errno_of(send(a, "abc", 3, 0)));
	say("send", errno_of(sendto(a, "abc", 3, 0, (struct sockaddr *)&to, sizeof(to))));
	say("poll", poll_for(a, POLLIN) & POLLIN ? 0 : ETIMEDOUT);
	say_number("received", recvfrom(a, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len));
	printf("%s from=%u:%u ", buffer, from.svm_cid, from.svm_port);
	say("connect", vm_connect(b, cid, 78));
	say("send", errno_of(send(b, "defgh", 5, 0)));
	say_number("truncated", recv(b, buffer, 2, 0));
	say("empty", errno_of(recv(b, buffer, 2, MSG_DONTWAIT)));
	to.svm_cid = VMADDR_CID_HYPERVISOR;
	say("hypervisor", errno_of(sendto(a, "abc", 3, 0, (struct sockaddr *)&to, sizeof(to))));
	close(a);
	a = vm_socket(SOCK_DGRAM);
	say("free", vm_bind(a, VMADDR_CID_ANY, 4000));
	/* Left with a datagram nobody receives. */
	send(b, "x", 1, 0);
	close(b);
	close(a);
	return 0;
}

/* What a program lets pass is received, after read_skb handed it out. */
static int do_sockmap(unsigned int cid)
{
	int map = map_passing(), fd;

	say("connect", call(cid, FAR_ECHO, &fd));
	say("update", map_put(map, 0, fd));
	say("echo", echo(fd, 3000, 0));
	say("late", echo_late(fd));
	do_end(fd);
	close(map);
	return 0;
}

/* ---- race ---- */

/* The race goes on until there were so many. */
#define RACE_UNLOADS 20

static const char *race_file, *race_parameters;
static atomic_int calls_left, loads, unloads;
static atomic_bool race_over;

static struct {
	char name[64];
	int count;
} outcomes[16];
static pthread_mutex_t outcomes_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_outcome(const char *name)
{
	size_t i;

	pthread_mutex_lock(&outcomes_lock);
	for (i = 0; i < ARRAY_SIZE(outcomes) - 1; i++)
		if (!outcomes[i].count || !strcmp(outcomes[i].name, name))
			break;
	strcpy(outcomes[i].name, name);
	outcomes[i].count++;
	pthread_mutex_unlock(&outcomes_lock);
}

static void *race_client(void *arg)
{
	unsigned int cid = (uintptr_t)arg, seed = cid;
	char name[64];

	while (atomic_fetch_sub(&calls_left, 1) > 0 || unloads < RACE_UNLOADS) {
		ask_name(cid, name);
		note_outcome(name);
		/* At times nobody has a socket, and the module can go. */
		if (rand_r(&seed) % 8 == 0)
			poll(NULL, 0, rand_r(&seed) % 10);
	}
	return NULL;
}

/* Some calls meet what there is now. */
static void wait_for_calls(int count)
{
	int end = calls_left - count;

	while (!race_over && calls_left > end)
		sched_yield();
}

static void *race_loader(void *arg)
{
	const char *slash = strrchr(race_file, '/');
	int file = must(open(race_file, O_RDONLY | O_CLOEXEC));
	char name[64];

	(void)arg;
	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : race_file);
	*strrchr(name, '.') = '\0';
	while (!race_over) {
		loads += !syscall(SYS_finit_module, file, race_parameters, 0);
		wait_for_calls(8);
		/* It is refused while there is a connection. */
		while (!race_over && syscall(SYS_delete_module, name, O_NONBLOCK))
			sched_yield();
		unloads += !race_over;
		wait_for_calls(4);
	}
	/* It stays, for whoever looks next. */
	syscall(SYS_finit_module, file, race_parameters, 0);
	close(file);
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int do_race(unsigned int cid, int count)
{
	pthread_t loader, clients[3];
	size_t i, used = 0;

	race_parameters = getenv("PARAMETERS") ?: "";
	calls_left = count;
	must(-pthread_create(&loader, NULL, race_loader, NULL));
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		must(-pthread_create(&clients[i], NULL, race_client, (void *)(uintptr_t)cid));
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		pthread_join(clients[i], NULL);
	race_over = true;
	pthread_join(loader, NULL);

	while (used < ARRAY_SIZE(outcomes) && outcomes[used].count)
		used++;
	qsort(outcomes, used, sizeof(outcomes[0]), by_name);
	for (i = 0; i < used; i++) {
		printf("%s%s", i ? ", " : "", outcomes[i].name);
		fprintf(stderr, "# %d times %s\n", outcomes[i].count, outcomes[i].name);
	}
	puts("");
	fprintf(stderr, "# the module was loaded %d times and unloaded %d times meanwhile\n", loads, unloads);
	return !loads || !unloads;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	unsigned int number = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	int ret = 2;

	watchdog(240);
	if (!strcmp(word, "seqpacket") || (argc > 3 && !strcmp(argv[3], "seqpacket")))
		type = SOCK_SEQPACKET;
	if (!strcmp(word, "stream") || !strcmp(word, "seqpacket"))
		ret = do_talk(number);
	else if (!strcmp(word, "ends"))
		ret = do_ends(number);
	else if (!strcmp(word, "name"))
		return do_name(number);
	else if (!strcmp(word, "called"))
		ret = do_called(number);
	else if (!strcmp(word, "dgram"))
		ret = do_dgram(number);
	else if (!strcmp(word, "sockmap"))
		ret = do_sockmap(number);
	else if (!strcmp(word, "race") && argc > 4) {
		race_file = argv[2];
		return do_race(strtoul(argv[3], NULL, 0), atoi(argv[4]));
	}
	if (ret == 2)
		fputs("transports: see the top of its source\n", stderr);
	puts("");
	return ret;
}
