// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one process can make the kernel hold: bytes are bounded by the buffer,
 * and memory by a small multiple of the bytes, however small the pieces; many
 * sockets give all of it back.
 */
#include "vsock_test.h"

#include <sys/resource.h>

#define SOCKETS 2000

/*
 * The sizes that fit the kernel's buffers worst, in turn: the first just too long to be put behind another, the second just
 * too long for what is left behind the first.  The bound is README.md's.
 */
static void worst_sizes(int type)
{
	enum { PAIRS = 32, BUFFER = 256 * 1024 };
	static const size_t sizes[] = { 1025, 704 };
	static char data[2048];
	long long before, held, sent = 0;
	int out[PAIRS], in[PAIRS];
	ssize_t n;

	for (int p = 0; p < PAIRS; p++) {
		vm_pair(type, &out[p], &in[p]);
		must(-set_buffer(in[p], SO_VM_SOCKETS_BUFFER_SIZE, BUFFER));
	}
	before = memory_used();
	for (int p = 0; p < PAIRS; p++)
		for (int i = 0; (n = send(out[p], data, sizes[i % 2], MSG_DONTWAIT)) > 0; i++)
			sent += n;
	held = memory_used() - before;
	ok(sent > (long long)PAIRS * (BUFFER - 1025), "%s: sizes in turn that are bad for memory fill the buffers", type_name(type));
	if (native())
		skip("and hold little more", "this kernel has no bound");
	else
		ok(held < MEMORY_FACTOR * (4 * sent + (4 << 20)), "%s: and hold %lld KiB for %lld KiB, at most %d times as much",
		   type_name(type), held / 1024, sent / 1024, 4 * MEMORY_FACTOR);
	for (int p = 0; p < PAIRS; p++) {
		close(out[p]);
		close(in[p]);
	}
}

/* More in one call than is taken off a queue at once; twice, for all of the room has to be there again. */
static void in_one_call(int type)
{
	enum { BUFFER = 4 << 20, LEN = BUFFER - 4096 };
	char *data = malloc(LEN), *copy = malloc(LEN);
	int out, in, queued = -1;

	vm_pair(type, &out, &in);
	for (int i = 0; i < 2; i++) {
		must(-set_buffer(i ? out : in, SO_VM_SOCKETS_BUFFER_MAX_SIZE, BUFFER));
		must(-set_buffer(i ? out : in, SO_VM_SOCKETS_BUFFER_SIZE, BUFFER));
	}
	for (int round = 0; round < 2; round++) {
		data_fill(data, LEN, round);
		is_int(send(out, data, LEN, MSG_DONTWAIT), LEN, "%s: 4 MiB are sent in one call", type_name(type));
		is_int(recv(in, copy, LEN, MSG_WAITALL), LEN, "%s: and received in one", type_name(type));
		ok(!memcmp(copy, data, LEN), "%s: as they were", type_name(type));
		ok(!ioctl(in, SIOCINQ, &queued) && !queued, "%s: nothing is left", type_name(type));
	}
	close(out);
	close(in);
	free(data);
	free(copy);
}

/* Single bytes until no more go; all of them come out again, in order. */
static void single_bytes(int type)
{
	enum { PAIRS = 8 };
	const unsigned int room = 65536;
	long long before, grown;
	int out[PAIRS], in[PAIRS];
	unsigned long sent = 0, got = 0, wrong = 0;
	unsigned char byte;

	for (int p = 0; p < PAIRS; p++) {
		vm_pair(type, &out[p], &in[p]);
		must(-set_buffer(in[p], SO_VM_SOCKETS_BUFFER_SIZE, room));
		set_nonblock(out[p], true);
		set_nonblock(in[p], true);
	}
	before = memory_used();
	for (int p = 0; p < PAIRS; p++) {
		for (unsigned long n = 0; ; n++) {
			byte = n % 251;
			if (send(out[p], &byte, 1, MSG_NOSIGNAL) != 1)
				break;
			sent++;
		}
	}
	grown = memory_used() - before;
	is_int(sent, (unsigned long)room * PAIRS,
	       "%s: single bytes fill the buffer and no more", type_name(type));
	/* Each costs 1 byte, a message 4 more; the rest is for others at work. */
	if (!native())
		ok(grown < 16LL * room * PAIRS + (8 << 20),
		   "%s: and the kernel holds little more than that (%lld KiB)",
		   type_name(type), grown / 1024);
	for (int p = 0; p < PAIRS; p++) {
		for (unsigned long n = 0; recv(in[p], &byte, 1, 0) == 1; n++) {
			wrong += byte != n % 251;
			got++;
		}
		close(out[p]);
		close(in[p]);
	}
	ok(got == sent && !wrong, "%s: every byte came, in order",
	   type_name(type));
}

static void many_sockets(void)
{
	struct rlimit files = { 3 * SOCKETS, 3 * SOCKETS };
	static int client[SOCKETS], server[SOCKETS];
	int listener = vm_listen(SOCK_STREAM);
	unsigned int port = vm_port(listener);
	int bad = 0;

	must(setrlimit(RLIMIT_NOFILE, &files));
	for (int i = 0; i < SOCKETS; i++) {
		client[i] = vm_socket(SOCK_STREAM);
		must(-vm_connect(client[i], VMADDR_CID_LOCAL, port));
		server[i] = must(accept(listener, NULL, NULL));
	}
	for (int i = 0; i < SOCKETS; i += 97)
		bad += vm_echo(client[i], server[i]) != 0;
	is_int(bad, 0, "%d connections to one listener work", SOCKETS);
	for (int i = 0; i < SOCKETS; i++) {
		close(client[i]);
		close(server[i]);
	}
	close(listener);
}

int main(void)
{
	watchdog(200);

	single_bytes(SOCK_STREAM);
	single_bytes(SOCK_SEQPACKET);
	worst_sizes(SOCK_STREAM);
	worst_sizes(SOCK_SEQPACKET);
	in_one_call(SOCK_STREAM);
	in_one_call(SOCK_SEQPACKET);
	many_sockets();
	check_unload();

	return done();
}
