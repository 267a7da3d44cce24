// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that owns a guest ends, and something else keeps the device open, or the
 * guest's thread busy: the guest stops, and a device that only the process's own memory
 * kept is closed.
 */
#include "guest_pump.h"
#include "slow_memory.h"

#include <linux/aio_abi.h>
#include <pthread.h>

#define CID 42

/* What a process with a guest shows to us. */
struct shown {
	int device;
	/* A socket, or a userfaultfd. */
	int other;
};

/* Keeps the device open for as long as the process's memory is there. */
static void poll_for_ever(int fd)
{
	struct iocb poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = fd, .aio_buf = POLLIN };
	struct iocb *list[] = { &poll };
	aio_context_t context = 0;

	must(syscall(SYS_io_setup, 1, &context));
	must(syscall(SYS_io_submit, context, 1, list));
}

/* What the process with the guest does then, unless it waits for its end. */
static void (*afterwards)(void);

/* ---- What a process does with its guest ---- */

static struct shown run_guest(void)
{
	struct guest *g = guest_new(.cid = CID);

	return (struct shown) { .device = g->fd, .other = g->fd };
}

static struct shown run_other_guest(void)
{
	struct guest *g = guest_new(.cid = CID + 1);

	return (struct shown) { .device = g->fd, .other = g->fd };
}

static struct shown run_polled_guest(void)
{
	struct shown shown = run_guest();

	poll_for_ever(shown.device);
	return shown;
}

static struct shown run_connected_guest(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct conn c;

	return (struct shown) { .device = g->fd, .other = conn_from_host(&c, g, 0, SOCK_STREAM) };
}

/* Nobody brings the memory that packets go to. */
static struct shown run_waiting_guest(void)
{
	struct guest *g = guest_new(.cid = CID);
	struct queue *rx = &g->queue[RX];
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)rx->slots, .len = rx->slot_count * rx->slot_size & ~(GUEST_PAGE - 1) },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (!slow_open())
		bail_out("no userfaultfd");
	must(ioctl(slow_fd, UFFDIO_REGISTER, &range));
	poll_for_ever(g->fd);
	return (struct shown) { .device = g->fd, .other = slow_fd };
}

/*
 * Each ring's used half is the other's available half: a buffer that is given back is one
 * that is made available, so there is always something to do.
 */
static struct shown run_busy_guest(void)
{
	struct guest *g = guest_new(.cid = CID, .rx_count = 256, .rx_size = HEADER_SIZE, .tx_count = 256, .tx_parts = 1,
				    .stopped = true);
	const struct virtio_vsock_hdr refused = {
		.src_cid = CID, .dst_cid = VMADDR_CID_HOST, .src_port = 1, .dst_port = 1,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = VIRTIO_VSOCK_OP_RW,
	};
	struct queue *rx = &g->queue[RX], *tx = &g->queue[TX];

	for (unsigned int slot = 0; slot < 256; slot++) {
		memcpy(queue_slot(tx, slot), &refused, sizeof(refused));
		queue_describe(tx, slot, sizeof(refused), 0);
	}
	rx->ring.used = (void *)tx->ring.avail;
	tx->ring.used = (void *)rx->ring.avail;
	rx->ring.avail->idx = 100;
	tx->ring.avail->idx = 100;
	must(-guest_set_ring_addresses(g, RX, 0));
	must(-guest_set_ring_addresses(g, TX, 0));
	must(-device_run(g->fd, 1));
	queue_kick_always(tx);
	poll_for_ever(g->fd);
	return (struct shown) { .device = g->fd, .other = g->fd };
}

static void *live_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void end_thread(void)
{
	syscall(SYS_exit, 0);
}

static void become_another(void)
{
	execl("/bin/sleep", "sleep", "1000", NULL);
}

/* The process goes on without the thread that it began with. */
static struct shown run_headless_guest(void)
{
	struct shown shown = run_guest();
	pthread_t thread;

	if (pthread_create(&thread, NULL, live_on, NULL))
		bail_out("pthread_create");
	afterwards = end_thread;
	return shown;
}

/* The process goes on, but with other memory. */
static struct shown run_abandoned_guest(void)
{
	struct shown shown = run_busy_guest();

	must(fcntl(shown.device, F_SETFD, FD_CLOEXEC));
	afterwards = become_another;
	return shown;
}

/* ---- The process, and its end ---- */

static pid_t owner_new(struct shown (*run)(void), struct shown *shown)
{
	int out[2];
	pid_t pid;

	must(pipe2(out, O_CLOEXEC));
	pid = must(fork());
	if (!pid) {
		struct shown fds;

		must(prctl(PR_SET_PDEATHSIG, SIGKILL));
		fds = run();
		must(write(out[1], &fds, sizeof(fds)));
		if (afterwards)
			afterwards();
		for (;;)
			pause();
	}
	close(out[1]);
	if (read(out[0], shown, sizeof(*shown)) != sizeof(*shown))
		bail_out("the process with a guest ended");
	close(out[0]);
	return pid;
}

/* A descriptor of it, as one of ours. */
static int owner_fd(pid_t pid, int fd)
{
	int pidfd = must(syscall(SYS_pidfd_open, pid, 0));
	int ours = must(syscall(SYS_pidfd_getfd, pidfd, fd, 0));

	close(pidfd);
	return ours;
}

static void owner_kill(pid_t pid)
{
	must(kill(pid, SIGKILL));
	must(waitpid(pid, NULL, 0));
}

/* Its own memory had it open, and nothing else. */
static void check_closed(const char *what)
{
	long long end = now_ms() + PATIENCE_MS;
	int device = device_open_in(0), err;

	while ((err = device_set_cid(device, CID)) == EADDRINUSE && now_ms() < end)
		poll(NULL, 0, 10);
	is_errno(err, 0, "%s: the CID is free", what);
	close(device);
}

static void check_elsewhere(void)
{
	struct shown shown;
	pid_t pid = owner_new(run_connected_guest, &shown);
	int device = owner_fd(pid, shown.device), fd = owner_fd(pid, shown.other);
	int client = vm_socket(SOCK_STREAM);
	char byte;

	owner_kill(pid);
	ok(poll_for(fd, POLLIN) & POLLIN, "a process ends, its device open elsewhere: its guest's connections end");
	is_errno(errno_of(recv(fd, &byte, 1, 0)), ECONNRESET, "they are reset");
	is_errno(vm_connect(client, CID, 1234), EHOSTUNREACH, "nobody connects to its guest");
	close(device);
	is_errno(vm_connect(client, CID, 1234), ENODEV, "there is none when it is closed");
	close(client);
	close(fd);
}

/* The first thread is gone, which newer kernels tell like the end of a process. */
static void wait_for_zombie(pid_t pid)
{
	long long end = now_ms() + PATIENCE_MS;
	char path[32], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		poll(NULL, 0, 1);
		file = fopen(path, "re");
		if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			bail_out("%s", path);
		fclose(file);
	} while (state != 'Z' && now_ms() < end);
	if (state != 'Z')
		bail_out("the first thread does not end");
}

static void check_headless(void)
{
	int client = must(socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0)), device = device_open_in(0);
	struct shown shown;
	pid_t pid = owner_new(run_headless_guest, &shown);

	wait_for_zombie(pid);
	/* Whatever followed from that is done when it is done for one that ended later. */
	for (int i = 0; i < 10; i++)
		owner_kill(owner_new(run_other_guest, &shown));
	is_errno(device_set_cid(device, CID), EADDRINUSE, "a process without its first thread keeps its CID");
	is_errno(vm_connect(client, CID, 1234), EINPROGRESS, "and its guest is there");
	close(device);
	close(client);
	owner_kill(pid);
	check_closed("a process ends, its first thread long before");
}

static void check_abandoned(void)
{
	struct shown shown;
	pid_t pid = owner_new(run_abandoned_guest, &shown);

	check_closed("a process becomes another program, its device polled, its guest busy");
	is_int(waitpid(pid, NULL, WNOHANG), 0, "which goes on");
	owner_kill(pid);
}

static void check_waiting(void)
{
	struct shown shown;
	pid_t pid;
	int client;

	if (!slow_open()) {
		skip("a guest's thread that waits for memory", "this kernel has no userfaultfd");
		return;
	}
	close(slow_fd);
	pid = owner_new(run_waiting_guest, &shown);
	client = must(socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0));
	slow_fd = owner_fd(pid, shown.other);
	is_errno(vm_connect(client, CID, 1234), EINPROGRESS, "somebody connects to a guest");
	ok(slow_is_wanted(), "whose thread waits for the process's memory");
	owner_kill(pid);
	check_closed("a process ends, its device polled, its guest's thread waiting for memory");
	ok(poll_for(client, POLLOUT) & POLLOUT, "who connects waits no longer");
	is_errno(so_error(client), ECONNRESET, "and is told so");
	close(slow_fd);
	close(client);
}

static void check_polled(struct shown (*run)(void), const char *what)
{
	struct shown shown;

	owner_kill(owner_new(run, &shown));
	check_closed(what);
}

int main(void)
{
	watchdog(100);
	check_polled(run_polled_guest, "a process ends, its device polled, its guest idle");
	check_polled(run_busy_guest, "a process ends, its device polled, its guest busy with itself");
	check_waiting();
	check_elsewhere();
	check_headless();
	check_abandoned();

	return done();
}
