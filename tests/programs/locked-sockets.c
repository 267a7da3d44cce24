// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process holds the locks of many sockets, in calls whose memory does not come, while there is work to do for each of
 * them: the work for others goes on.
 */
#include "guest_conn.h"
#include "slow_memory.h"

#include <sys/resource.h>

#define CID 42
#define FIRST_PORT 1000
#define LINGER_MS 8000

/* More than a workqueue runs at once on one processor (256). */
#define LOCKED 300

static struct guest *g;
static int fd[LOCKED];
static struct task holder[LOCKED];

static int connecting(unsigned int port, int timeout_ms)
{
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int socket = vm_socket(SOCK_STREAM);

	must(setsockopt(socket, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	set_nonblock(socket, true);
	if (vm_connect(socket, CID, port) != EINPROGRESS)
		bail_out("connect: %s", strerror(errno));
	return socket;
}

/* Sockets that are connecting, and whose locks are held until unlock_all(). */
static void lock_all(int timeout_ms)
{
	int locked = 0;

	for (int i = 0; i < LOCKED; i++)
		fd[i] = connecting(FIRST_PORT + i, timeout_ms);
	slow_new();
	for (int i = 0; i < LOCKED; i++)
		task_start(&holder[i], slow_hold_lock, &fd[i]);
	while (locked < LOCKED && slow_is_wanted())
		locked++;
	is_int(locked, LOCKED, "sockets that connect, with their locks held");
}

static void unlock_all(void)
{
	int ended = 0;

	slow_arrives(true);
	for (int i = 0; i < LOCKED; i++)
		ended += task_ends(&holder[i]);
	is_int(ended, LOCKED, "the locks are free again");
	slow_end();
}

/* All of them end so, 0 for success, and are closed. */
static void are_told(int want)
{
	int told = 0;

	for (int i = 0; i < LOCKED; i++) {
		poll_for(fd[i], POLLOUT);
		told += so_error(fd[i]) == want && (want || vm_peer(fd[i]).svm_port == FIRST_PORT + (unsigned int)i);
		close(fd[i]);
	}
	is_int(told, LOCKED, "each is told %s", want ? strerror(want) : "that it is connected");
}

/* The guest accepts each, and nobody can tell the sockets. */
static void check_answers(void)
{
	struct conn c, silent;
	struct packet *p;
	int other, answered = 0;

	other = conn_from_host(&silent, g, 0, SOCK_STREAM);
	lock_all(100000);
	for (int i = 0; i < LOCKED; i++)
		answered += conn_answer(&c, g, FIRST_PORT + i, OP_RESPONSE);
	is_int(answered, LOCKED, "the guest accepts all");
	close(other);
	is_text(conn_next(&silent), "SHUTDOWN(3)", "another socket is closed");

	other = connecting(7, 100000);
	ok(conn_answer(&c, g, 7, OP_RESPONSE), "another one connects");
	is_int(poll_for(other, POLLOUT), POLLOUT, "and is told at once that it is connected");
	close(other);
	is_text(conn_next(&c), "SHUTDOWN(3)", "it is closed");
	p = conn_receive_within(&silent, LINGER_MS + PATIENCE_MS);
	is_text(packet_name(p), "RST", "who was closed first is reset when the guest says nothing");
	free(p);
	unlock_all();
	are_told(0);
	guest_heard(g);
}

/* The guest answers none of them in time. */
static void check_timeouts(void)
{
	const int timeout_ms = 3000;
	int other;

	lock_all(timeout_ms);
	poll(NULL, 0, timeout_ms);
	other = connecting(7, 200);
	is_int(poll_for(other, POLLOUT) & POLLERR, POLLERR, "after their timeouts another one is told of its own");
	is_errno(so_error(other), ETIMEDOUT, "with");
	close(other);
	unlock_all();
	are_told(ETIMEDOUT);
}

int main(void)
{
	struct rlimit files = { LOCKED + 100, LOCKED + 100 };

	watchdog(150);
	must(setrlimit(RLIMIT_NOFILE, &files));
	if (!slow_open()) {
		skip("sockets whose locks are held", "this kernel has no userfaultfd");
		return done();
	}
	g = guest_new(.cid = CID, .rx_count = 256, .tx_count = 256);
	check_answers();
	check_timeouts();
	guest_free(g);

	return done();
}
