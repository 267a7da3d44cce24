// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM in a memory cgroup: what its guest has the host keep, data that nobody reads and
 * connections that nobody accepts, is charged to that cgroup.
 */
#include "cgroup.h"
#include "guest_conn.h"

#include <sys/resource.h>

#define CID 42
#define LIMIT (256LL << 20)
#define MIB (1LL << 20)

/* The host's: nobody accepts, and each connection may hold this much unread data. */
static const unsigned long long buffer = 4 * MIB;
static int listener;

static long long charged(void)
{
	return group_read("memory.current", NULL);
}

/* What the guest sends goes through memory of its own, which is charged as well: all of that is in use already. */
static struct guest *guest_in_use(void)
{
	struct guest *g = guest_new(.cid = CID, .rx_size = HEADER_SIZE + 256);

	for (unsigned int q = 0; q < QUEUES; q++)
		for (unsigned int i = 0; i < g->queue[q].slot_count; i++)
			memset(queue_slot(&g->queue[q], i), 0, g->queue[q].slot_size);
	is_text(guest_heard(g), "none", "a guest in a memory cgroup");
	return g;
}

/* As much as the host allows. */
static long long fill(struct conn *c, size_t piece)
{
	long long sent = 0;
	size_t n;

	while ((n = conn_write_some(c, sent, buffer, piece)) || guest_fence(c->g)) {
		sent += n;
		if (!conn_credit(c))
			break;
	}
	return sent;
}

static void check_data(const char *name, size_t piece)
{
	struct guest *g = guest_in_use();
	long long sent = 0, grown, before = charged();
	struct conn c[8];

	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = conn_init(g, SOCK_STREAM, vm_port(listener));
		/* The answer tells of credit. */
		if (strcmp(conn_request(&c[i]), "RESPONSE"))
			bail_out("%s: no answer", name);
		sent += fill(&c[i], piece);
	}
	is_text(guest_heard(g), "none", "%s: nobody complains", name);
	grown = charged() - before;
	is_int(sent, (long long)ARRAY_SIZE(c) * buffer, "%s: all the data that may be unread", name);
	ok(grown > sent * 9 / 10, "%s: the cgroup has it: %lld KiB of %lld", name, grown / 1024, sent / 1024);
	ok(grown < 5 * sent, "%s: and not more than there can be", name);

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		close(must(vm_accept(listener)));
	guest_fence(g);
	/* Some of it waits for a grace period. */
	for (long long end = now_ms() + PATIENCE_MS; charged() - before > sent / 10 && now_ms() < end;)
		poll(NULL, 0, 20);
	grown = charged() - before;
	ok(grown <= sent / 10, "%s: until it is closed: %lld KiB are left", name, grown / 1024);
	guest_free(g);
}

/* In a limit that leaves no room for what the guest may send by its credit. */
static void flood_until_the_end(void)
{
	struct conn c;
	struct guest *g;

	group_enter();
	g = guest_in_use();
	for (;;) {
		c = conn_init(g, SOCK_STREAM, vm_port(listener));
		if (strcmp(conn_request(&c), "RESPONSE"))
			break;
		fill(&c, MAX_PAYLOAD);
	}
	guest_free(g);
}

static void in_group(void)
{
	group_enter();
	check_data("data", MAX_PAYLOAD);
	check_data("small packets", 700);
}

static void check_limit(void)
{
	struct guest *other = guest_new(.cid = CID + 1);
	long long before = memory_used(), used, worst = 0;
	struct conn c;
	int fd = conn_from_host(&c, other, 0, SOCK_STREAM), works = 0, fails = 0;
	pid_t pid = must(fork());

	if (!pid) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL));
		/* What it says is not a part of this test. */
		must(dup2(must(open("/dev/null", O_WRONLY | O_CLOEXEC)), STDOUT_FILENO));
		flood_until_the_end();
		_exit(0);
	}
	for (int status; waitpid(pid, &status, WNOHANG) != pid;) {
		if (conn_echo(&c, fd))
			fails++;
		else
			works++;
		used = memory_used() - before;
		if (used > worst)
			worst = used;
	}
	ok(group_read("memory.peak", NULL) < 0 || group_read("memory.peak", NULL) > LIMIT / 4 * 9 / 10,
	   "a guest that floods beyond the limit gets there");
	ok(worst < LIMIT / 4 + 24 * MIB, "the machine lacks %lld KiB at most", worst / 1024);
	ok(works && !fails, "meanwhile another guest is served");
	close(fd);
	guest_free(other);
}

int main(void)
{
	watchdog(150);
	if (native()) {
		skip("a guest in a memory cgroup", "this kernel charges nobody for what a guest sends");
		return done();
	}
	if (!group_new(LIMIT)) {
		skip("a guest in a memory cgroup", "this kernel has no memory cgroups");
		return done();
	}
	listener = vm_listen(SOCK_STREAM);
	must(listen(listener, 1000));
	must(-set_buffer(listener, SO_VM_SOCKETS_BUFFER_MAX_SIZE, buffer));
	must(-set_buffer(listener, SO_VM_SOCKETS_BUFFER_SIZE, buffer));
	in_child(in_group);
	group_end();

	if (!group_new(LIMIT / 4))
		bail_out("no second memory cgroup: %s", strerror(errno));
	check_limit();
	group_end();
	close(listener);

	return done();
}
