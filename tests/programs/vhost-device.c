// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vhost-vsock before a guest runs: who may open it, its features, each ioctl and what it refuses. */
#include "guest_conn.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define UNKNOWN_IOCTL _IO(VHOST_VIRTIO, 0x5f)

static int device(void)
{
	return must(open(VHOST_DEVICE, O_RDWR | O_CLOEXEC));
}

static int owned_device(void)
{
	int fd = device();

	must(-device_ioctl(fd, VHOST_SET_OWNER, NULL));
	return fd;
}

static void open_as_nobody(void)
{
	must(setresgid(65534, 65534, 65534));
	must(setresuid(65534, 65534, 65534));
	is_errno(errno_of(open(VHOST_DEVICE, O_RDWR | O_CLOEXEC)), EACCES, "who is not root does not open it");
}

static void check_node(void)
{
	struct stat st;
	int fd;

	must(stat(VHOST_DEVICE, &st));
	ok(S_ISCHR(st.st_mode), "a character device");
	is_int(major(st.st_rdev), 10, "major 10: a misc device");
	is_int(minor(st.st_rdev), 241, "minor 241");
	is_int(st.st_mode & 0777, 0600, "mode 0600");
	fd = open(VHOST_DEVICE, O_RDONLY | O_CLOEXEC);
	call_ok(fd, "it can be opened without the right to write");
	close(fd);
	in_child(open_as_nobody);
}

static void check_features(void)
{
	static const struct {
		const char *name;
		int bit;
		bool offered;
	} bits[] = {
		{ "bit 0", 0, false },
		{ "SEQPACKET", VIRTIO_VSOCK_F_SEQPACKET, true },
		{ "bit 2", 2, false },
		{ "NOTIFY_ON_EMPTY", VIRTIO_F_NOTIFY_ON_EMPTY, true },
		{ "LOG_ALL", VHOST_F_LOG_ALL, true },
		{ "ANY_LAYOUT", VIRTIO_F_ANY_LAYOUT, true },
		{ "INDIRECT_DESC", VIRTIO_RING_F_INDIRECT_DESC, true },
		{ "EVENT_IDX", VIRTIO_RING_F_EVENT_IDX, true },
		{ "VERSION_1", VIRTIO_F_VERSION_1, true },
		{ "ACCESS_PLATFORM", VIRTIO_F_ACCESS_PLATFORM, true },
		{ "RING_PACKED", VIRTIO_F_RING_PACKED, false },
	};
	uint64_t features = 0, bad = BIT(63);
	int fd = device();

	is_errno(device_ioctl(fd, VHOST_GET_FEATURES, &features), 0, "features, before there is an owner");
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		is_int(!!(features & BIT(bits[i].bit)), bits[i].offered, "%s is %soffered", bits[i].name,
		       bits[i].offered ? "" : "not ");
	is_errno(device_ioctl(fd, VHOST_GET_FEATURES, NULL), EFAULT, "GET_FEATURES to nowhere");
	is_errno(device_ioctl(fd, VHOST_SET_FEATURES, NULL), EFAULT, "SET_FEATURES from nowhere");
	is_errno(device_ioctl(fd, VHOST_SET_FEATURES, &bad), EOPNOTSUPP, "a feature that is not offered");
	features &= ~LOG_ALL;
	is_errno(device_ioctl(fd, VHOST_SET_FEATURES, &features), 0, "all others");
	features = 0;
	is_errno(device_ioctl(fd, VHOST_SET_FEATURES, &features), 0, "and none");
	is_errno(device_ioctl(fd, VHOST_GET_BACKEND_FEATURES, &features), 0, "backend features");
	is_int(features, BIT(VHOST_BACKEND_F_IOTLB_MSG_V2), "IOTLB_MSG_V2 and no other");
	is_errno(device_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features), 0, "it can be chosen");
	is_errno(device_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &bad), EOPNOTSUPP, "no other can");
	is_errno(device_ioctl(fd, VHOST_GET_BACKEND_FEATURES, NULL), EFAULT, "GET_BACKEND_FEATURES to nowhere");
	is_errno(device_ioctl(fd, VHOST_SET_BACKEND_FEATURES, NULL), EFAULT, "SET_BACKEND_FEATURES from nowhere");
	close(fd);
}

static void own_it(int fd)
{
	is_errno(device_ioctl(fd, VHOST_SET_OWNER, NULL), EBUSY, "another process does not become its owner");
}

static int other_fd;
static void other_process(void)
{
	static const struct {
		const char *name;
		unsigned long request;
	} requests[] = {
		{ "RESET_OWNER", VHOST_RESET_OWNER },
		{ "SET_MEM_TABLE", VHOST_SET_MEM_TABLE },
		{ "SET_LOG_BASE", VHOST_SET_LOG_BASE },
		{ "SET_LOG_FD", VHOST_SET_LOG_FD },
		{ "SET_VRING_NUM", VHOST_SET_VRING_NUM },
		{ "SET_VRING_BASE", VHOST_SET_VRING_BASE },
		{ "GET_VRING_BASE", VHOST_GET_VRING_BASE },
		{ "SET_VRING_ADDR", VHOST_SET_VRING_ADDR },
		{ "SET_VRING_KICK", VHOST_SET_VRING_KICK },
		{ "SET_VRING_CALL", VHOST_SET_VRING_CALL },
		{ "SET_VRING_ERR", VHOST_SET_VRING_ERR },
		{ "SET_VRING_BUSYLOOP_TIMEOUT", VHOST_SET_VRING_BUSYLOOP_TIMEOUT },
		{ "SET_RUNNING", VHOST_VSOCK_SET_RUNNING },
		{ "an unknown ioctl", UNKNOWN_IOCTL },
	};
	/* The first ring, the number 0, an empty table: good enough for each of them. */
	uint64_t argument[8] = {};

	own_it(other_fd);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		is_errno(device_ioctl(other_fd, requests[i].request, argument), EPERM, "another process: no %s",
			 requests[i].name);
}

static void check_owner(void)
{
	struct vhost_vring_state state = { .index = 0, .num = 16 };
	struct vhost_memory none = {};
	int fd = device(), err;

	is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), EPERM, "without an owner: no SET_VRING_NUM");
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &none), EPERM, "no SET_MEM_TABLE");
	is_errno(device_ioctl(fd, VHOST_RESET_OWNER, NULL), EPERM, "no RESET_OWNER");
	is_errno(device_run(fd, 1), EPERM, "no start");
	is_errno(device_run(fd, 0), EPERM, "no stop");
	is_errno(device_set_cid(fd, 90), 0, "but a CID");
	is_errno(device_ioctl(fd, VHOST_SET_OWNER, NULL), 0, "SET_OWNER");
	is_errno(device_ioctl(fd, VHOST_SET_OWNER, NULL), EBUSY, "once");
	other_fd = fd;
	in_child(other_process);
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &none), 0, "a table of no memory");
	is_errno(device_run(fd, 0), 0, "stop what does not run");
	is_errno(device_run(fd, 1), EFAULT, "start without rings");
	is_errno(device_ioctl(fd, VHOST_VSOCK_SET_RUNNING, NULL), EFAULT, "SET_RUNNING from nowhere");
	is_errno(device_ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, NULL), EFAULT, "SET_GUEST_CID from nowhere");
	/* The stock module has none: it is taken for an ioctl of the ring whose number is there. */
	err = device_ioctl(fd, VHOST_RESET_OWNER, &state);
	ok(err == 0 || err == ENOTTY, "RESET_OWNER is done, or not known: %s", err ? strerrorname_np(err) : "done");
	is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), err ? 0 : EPERM, "there is %s owner", err ? "still an" : "no");
	is_errno(device_ioctl(fd, VHOST_SET_OWNER, NULL), err ? EBUSY : 0, "there %s be another", err ? "cannot" : "can");
	close(fd);
}

static void check_memory_table(void)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region[2];
	} table = { .head.nregions = 1 };
	static char memory[8192] __attribute__((aligned(4096)));
	int fd = owned_device();

	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, NULL), EFAULT, "a table that is not there");
	table.region[0] = (struct vhost_memory_region) { .memory_size = 4096, .userspace_addr = (uintptr_t)memory };
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &table), 0, "a page");
	table.head.padding = 1;
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &table), EOPNOTSUPP, "padding that is not 0");
	table.head.padding = 0;
	table.head.nregions = 1u << 20;
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &table), E2BIG, "more regions than there may be");
	table.head.nregions = 2;
	table.region[1] = (struct vhost_memory_region) {
		.guest_phys_addr = UINT64_MAX - 100, .memory_size = 4096, .userspace_addr = (uintptr_t)memory,
	};
	is_errno(device_ioctl(fd, VHOST_SET_MEM_TABLE, &table), EFAULT, "past the end of all addresses");
	close(fd);
}

static void check_ring_ioctls(void)
{
	static const unsigned int sizes[] = { 1, 2, 256, 32768 }, bad_sizes[] = { 0, 3, 255, 32769, 65536, 1u << 31 };
	struct vhost_vring_state state = { .index = 0 };
	struct vhost_vring_file file = { .index = 1, .fd = must(eventfd(0, EFD_CLOEXEC)) };
	struct vhost_vring_addr addr = { .index = 0 };
	static char memory[65536] __attribute__((aligned(4096)));
	int fd = owned_device(), devnull = must(open("/dev/null", O_RDWR | O_CLOEXEC));
	static const struct {
		const char *name;
		unsigned long request;
	} files[] = {
		{ "KICK", VHOST_SET_VRING_KICK }, { "CALL", VHOST_SET_VRING_CALL }, { "ERR", VHOST_SET_VRING_ERR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		state.num = sizes[i];
		is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), 0, "a ring of %u", sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
		state.num = bad_sizes[i];
		is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), EINVAL, "no ring of %u", bad_sizes[i]);
	}
	for (unsigned int index = 2; index; index = index == 2 ? UINT_MAX : 0) {
		state = (struct vhost_vring_state) { .index = index, .num = 16 };
		is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), ENOBUFS, "there is no ring %d", (int)index);
	}
	is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, NULL), EFAULT, "SET_VRING_NUM from nowhere");

	state = (struct vhost_vring_state) { .index = 1, .num = 16 };
	is_errno(device_ioctl(fd, VHOST_SET_VRING_NUM, &state), 0, "the second ring has 16");
	state.num = 0xffff;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_BASE, &state), 0, "a base of 65535");
	state.num = 0;
	is_errno(device_ioctl(fd, VHOST_GET_VRING_BASE, &state), 0, "which can be asked");
	is_int(state.num, 0xffff, "and is told");
	state.num = 0x10000;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_BASE, &state), EINVAL, "no base of 65536");

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int good = file.fd;

		is_errno(device_ioctl(fd, files[i].request, &file), 0, "%s: an eventfd", files[i].name);
		file.fd = devnull;
		is_errno(device_ioctl(fd, files[i].request, &file), EINVAL, "%s: no other file", files[i].name);
		file.fd = 9999;
		is_errno(device_ioctl(fd, files[i].request, &file), EBADF, "%s: no descriptor that is not open",
			 files[i].name);
		file.fd = VHOST_FILE_UNBIND;
		is_errno(device_ioctl(fd, files[i].request, &file), 0, "%s: none", files[i].name);
		file.fd = good;
	}

	addr.desc_user_addr = addr.avail_user_addr = addr.used_user_addr = (uintptr_t)memory;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_ADDR, &addr), 0, "addresses");
	addr.flags = 2;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_ADDR, &addr), EOPNOTSUPP, "a flag that is not known");
	addr.flags = 0;
	addr.avail_user_addr = (uintptr_t)memory + 1;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_ADDR, &addr), EINVAL, "what is available at an odd address");
	addr.avail_user_addr = (uintptr_t)memory;
	addr.used_user_addr = (uintptr_t)memory + 2;
	is_errno(device_ioctl(fd, VHOST_SET_VRING_ADDR, &addr), EINVAL, "what is used at one that 4 does not divide");
	is_errno(device_ioctl(fd, VHOST_SET_VRING_ADDR, NULL), EFAULT, "SET_VRING_ADDR from nowhere");

	state = (struct vhost_vring_state) { .index = 0, .num = 50 };
	is_errno(device_ioctl(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &state), 0, "a time to poll");
	state.num = 0;
	is_errno(device_ioctl(fd, VHOST_GET_VRING_BUSYLOOP_TIMEOUT, &state), 0, "which can be asked");
	is_int(state.num, 50, "and is told");
	close(file.fd);
	close(devnull);
	close(fd);
}

static void check_unknown(void)
{
	unsigned int index = 0;
	uint64_t log = 0;
	int fd = owned_device(), log_fd = must(eventfd(0, EFD_CLOEXEC)), none = -1, bad = 9999;

	is_errno(device_ioctl(fd, UNKNOWN_IOCTL, NULL), EFAULT, "an unknown ioctl, of no ring");
	is_errno(device_ioctl(fd, UNKNOWN_IOCTL, &(unsigned int){ 2 }), ENOBUFS, "of the third ring");
	is_errno(device_ioctl(fd, UNKNOWN_IOCTL, &index), ENOTTY, "of the first");
	is_errno(device_ioctl(fd, VHOST_SET_LOG_BASE, NULL), EFAULT, "SET_LOG_BASE from nowhere");
	is_errno(device_ioctl(fd, VHOST_SET_LOG_BASE, &log), 0, "SET_LOG_BASE");
	is_errno(device_ioctl(fd, VHOST_SET_LOG_FD, &log_fd), 0, "SET_LOG_FD");
	is_errno(device_ioctl(fd, VHOST_SET_LOG_FD, &none), 0, "SET_LOG_FD: none");
	is_errno(device_ioctl(fd, VHOST_SET_LOG_FD, &bad), EBADF, "SET_LOG_FD: not open");
	close(log_fd);
	close(fd);
}

static void check_cids(void)
{
	static const struct {
		uint64_t cid;
		int want;
	} cids[] = {
		{ 0, EINVAL }, { 1, EINVAL }, { 2, EINVAL }, { 3, 0 }, { 0x7fffffff, 0 }, { 0x80000000, 0 },
		{ 0xfffffffe, 0 }, { 0xffffffff, EINVAL }, { 0x100000000, EINVAL }, { 0x100000003, EINVAL },
		{ 0x8000000000000000, EINVAL }, { UINT64_MAX, EINVAL },
	};
	int fd = device();
	int other = device();

	for (size_t i = 0; i < ARRAY_SIZE(cids); i++)
		is_errno(device_set_cid(fd, cids[i].cid), cids[i].want, "CID %#llx", (unsigned long long)cids[i].cid);
	is_errno(device_set_cid(other, 0xfffffffe), EADDRINUSE, "one that was refused leaves the one before");
	is_errno(device_set_cid(fd, 0xfffffffe), 0, "the CID that it has");
	is_errno(device_set_cid(fd, 77), 0, "another CID");
	is_errno(device_set_cid(other, 0xfffffffe), 0, "frees the one before");
	is_errno(device_set_cid(other, 77), EADDRINUSE, "and takes the new one");
	close(fd);
	is_errno(device_set_cid(other, 77), 0, "until the device is closed");
	close(other);
}

/* A guest whose memory is said to be the kernel's: refused at once, or at the latest when it is to run. */
static void check_kernel_memory(struct guest *g)
{
	unsigned char *mine = g->memory;
	int table, start;

	g->memory = (void *)0xffff888000000000;
	table = guest_set_memory(g, 1);
	must(-device_run(g->fd, 0));
	start = table ?: guest_set_memory(g, 1) ?: device_run(g->fd, 1);
	is_errno(start, EFAULT, "the kernel's memory is no guest's");
	g->memory = mine;
	is_errno(guest_set_memory(g, 1), 0, "its own is");
	is_errno(device_run(g->fd, 1), 0, "and it runs");
}

static void check_running(void)
{
	struct guest *g = guest_new(.cid = 42);
	struct vhost_vring_state state = { .index = TX, .num = 16 };

	is_errno(device_run(g->fd, 1), 0, "start twice");
	is_errno(device_ioctl(g->fd, VHOST_SET_VRING_NUM, &state), EBUSY, "a running ring keeps its size");
	is_errno(device_ioctl(g->fd, VHOST_SET_VRING_BASE, &state), EBUSY, "and its place");
	is_errno(device_run(g->fd, 0), 0, "stop");
	is_errno(device_run(g->fd, 0), 0, "stop twice");
	is_errno(device_ioctl(g->fd, VHOST_SET_VRING_BASE, &(struct vhost_vring_state){ .index = RX }), 0,
		 "one that is stopped goes elsewhere");
	is_errno(device_run(g->fd, 1), 0, "start again");
	check_kernel_memory(g);
	is_errno(device_set_cid(g->fd, 43), 0, "a running device may change its CID");
	guest_free(g);
}

/* Who has no CID speaks for nobody: not for the hypervisor either, whose is 0. */
static void check_nameless(void)
{
	struct guest *g = guest_new(.cid = 0);
	int listener = vm_listen(SOCK_STREAM);
	struct conn c = conn_init(g, SOCK_STREAM, vm_port(listener));

	conn_send(&c, OP_REQUEST, 0, NULL, 0);
	ok(guest_wait(g, TX, PATIENCE_MS), "a guest without a CID gets its buffers back");
	set_nonblock(listener, true);
	is_errno(errno_of(accept(listener, NULL, NULL)), EAGAIN, "and is not heard");
	must(-device_set_cid(g->fd, 42));
	g->config.cid = 42;
	if (native())
		skip("nothing was said to it", "this kernel answers");
	else
		is_text(guest_heard(g), "none", "nothing was said to it");
	close(listener);
	guest_free(g);
}

/* What administrators and the command vsock-netns read. */
static void check_fdinfo(void)
{
	struct guest *g = guest_new(.cid = 42);
	char path[64], text[1024] = "", line[64];
	struct stat ns;
	int fd;

	if (native()) {
		skip("fdinfo", "this kernel tells no CID there");
		guest_free(g);
		return;
	}
	must(stat("/proc/self/ns/net", &ns));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", g->fd);
	fd = must(open(path, O_RDONLY | O_CLOEXEC));
	must(read(fd, text, sizeof(text) - 1));
	close(fd);
	ok(strstr(text, "vhost-vsock-cid:\t42\n"), "fdinfo tells the CID");
	snprintf(line, sizeof(line), "vhost-vsock-netns:\t%llu\n", (unsigned long long)ns.st_ino);
	ok(strstr(text, line), "the namespace");
	ok(strstr(text, "vhost-vsock-running:\t1\n"), "and that it runs");
	guest_free(g);
}

int main(void)
{
	watchdog(60);
	check_node();
	check_features();
	check_owner();
	check_memory_table();
	check_ring_ioctls();
	check_unknown();
	check_cids();
	check_running();
	check_nameless();
	check_fdinfo();

	return done();
}
