// SPDX-License-Identifier: GPL-2.0-only
/* Socket options, the forms of addresses that bind() and connect() take or refuse, /dev/vsock. */
#include "vsock_test.h"

#define SIZE SO_VM_SOCKETS_BUFFER_SIZE
#define MIN_SIZE SO_VM_SOCKETS_BUFFER_MIN_SIZE
#define MAX_SIZE SO_VM_SOCKETS_BUFFER_MAX_SIZE
#define DEFAULT_SIZE (256 * 1024)
#define U64_MAX UINT64_MAX

static int type;
#define T type_name(type)

/* The three of them, of a socket. */
static void check_sizes(int fd, unsigned long long size, unsigned long long min,
			unsigned long long max, const char *what)
{
	ok(get_buffer(fd, SIZE) == size && get_buffer(fd, MIN_SIZE) == min &&
	   get_buffer(fd, MAX_SIZE) == max, "%s: %s: size %llu, from %llu to %llu", T, what,
	   size, min, max) ||
		(diag("got %llu, from %llu to %llu", get_buffer(fd, SIZE),
		      get_buffer(fd, MIN_SIZE), get_buffer(fd, MAX_SIZE)), 0);
}

static void check_buffer_sizes(void)
{
	static const struct {
		const char *what;
		size_t sets;
		struct { int option; unsigned long long value; } set[2];
		unsigned long long size, min, max;
	} cases[] = {
		{ "default", 0, {}, DEFAULT_SIZE, 128, DEFAULT_SIZE },
		{ "smaller", 1, { { SIZE, 4096 } }, 4096, 128, DEFAULT_SIZE },
		{ "below the minimum", 1, { { SIZE, 1 } }, 128, 128, DEFAULT_SIZE },
		{ "zero", 1, { { SIZE, 0 } }, 128, 128, DEFAULT_SIZE },
		{ "above the maximum", 1, { { SIZE, 1 << 20 } }, DEFAULT_SIZE, 128, DEFAULT_SIZE },
		{ "maximum first", 2, { { MAX_SIZE, 1 << 20 }, { SIZE, 1 << 19 } }, 1 << 19, 128, 1 << 20 },
		{ "maximum below size", 1, { { MAX_SIZE, 1000 } }, 1000, 128, 1000 },
		{ "minimum above size", 2, { { SIZE, 1000 }, { MIN_SIZE, 2000 } }, 2000, 2000, DEFAULT_SIZE },
		{ "no limit", 2, { { MAX_SIZE, U64_MAX }, { SIZE, U64_MAX } }, U64_MAX, 128, U64_MAX },
	};
	size_t i, k;
	int fd;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = vm_socket(type);
		for (k = 0; k < cases[i].sets; k++)
			is_errno(set_buffer(fd, cases[i].set[k].option, cases[i].set[k].value), 0,
				 "%s: set %s", T, cases[i].what);
		check_sizes(fd, cases[i].size, cases[i].min, cases[i].max, cases[i].what);
		close(fd);
	}
}

static void check_buffer_calls(void)
{
	unsigned long long value[2] = { 5000, 0 };
	int fd = vm_socket(type);
	socklen_t len;

	is_errno(errno_of(setsockopt(fd, AF_VSOCK, SIZE, value, 16)), 0, "%s: more bytes than needed", T);
	is_int(get_buffer(fd, SIZE), 5000, "%s: of which the first count", T);
	is_errno(errno_of(setsockopt(fd, AF_VSOCK, SIZE, value, 7)), EINVAL, "%s: too few bytes", T);
	is_errno(errno_of(setsockopt(fd, AF_VSOCK, SIZE, value, 0)), EINVAL, "%s: no bytes", T);
	is_errno(errno_of(setsockopt(fd, AF_VSOCK, SIZE, value, -1)), EINVAL, "%s: a negative length", T);
	is_errno(errno_of(setsockopt(fd, AF_VSOCK, SIZE, (void *)16, 8)), EFAULT, "%s: from nowhere", T);
	len = 0;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, SIZE, value, &len)), EINVAL, "%s: no room", T);
	len = 4;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, SIZE, value, &len)), EINVAL, "%s: too little room", T);
	len = -1;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, SIZE, value, &len)), EINVAL, "%s: negative room", T);
	len = 16;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, SIZE, value, &len)), 0, "%s: more room than needed", T);
	is_int(len, 8, "%s: of which so much is used", T);
	len = 8;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, SIZE, (void *)16, &len)), EFAULT, "%s: to nowhere", T);
	is_int(get_buffer(fd, SIZE), 5000, "%s: and nothing changed", T);
	close(fd);
}

/* Sets both ends small and moves data until it is full. */
static void check_buffer_effect(void)
{
	static char buffer[1024];
	static const struct { unsigned long long a, b; size_t want; } cases[] = {
		{ DEFAULT_SIZE, DEFAULT_SIZE, DEFAULT_SIZE },
		{ 1024, DEFAULT_SIZE, 1024 },
		{ DEFAULT_SIZE, 2000, 2000 },
		{ 128, 128, 128 },
	};
	int a, b, listener, size = 1 << 20;
	ssize_t chunk, sum;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Its packets cost more than their bytes. */
		if (native() && cases[i].want < 5000)
			continue;
		listener = vm_listen(type);
		must(-set_buffer(listener, SIZE, cases[i].b));
		a = vm_socket(type);
		must(-set_buffer(a, SIZE, cases[i].a));
		must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)));
		b = must(vm_accept(listener));
		is_int(get_buffer(b, SIZE), cases[i].b, "%s: size inherited from the listener", T);
		/* Sizes that go into each buffer without a rest. */
		chunk = cases[i].want > 5000 ? 1024 : 8;
		for (sum = 0; send(a, buffer, chunk, MSG_DONTWAIT) == chunk; sum += chunk)
			;
		is_int(sum, cases[i].want, "%s: from a buffer of %llu to one of %llu", T,
		       cases[i].a, cases[i].b);
		close(a);
		close(b);
		close(listener);
	}

	vm_pair(type, &a, &b);
	must(setsockopt(b, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	is_int(get_buffer(b, SIZE), DEFAULT_SIZE, "%s: SO_RCVBUF is something else", T);
	must(-set_buffer(a, MAX_SIZE, U64_MAX));
	is_errno(set_buffer(a, SIZE, U64_MAX), 0, "%s: more than can be, on a connection", T);
	is_int(get_buffer(a, SIZE), UINT32_MAX, "%s: is as much as can be", T);
	is_errno(vm_echo(a, b), 0, "%s: and it works", T);
	close(a);
	close(b);
}

static void check_inherited(void)
{
	int listener = vm_listen(type), a = vm_socket(type), b;
	struct timeval tv = { 5, 500000 };
	socklen_t len = sizeof(tv);

	must(-set_buffer(listener, MIN_SIZE, 500));
	must(-set_buffer(listener, SIZE, 7000));
	must(setsockopt(listener, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)));
	must(-vm_connect(a, VMADDR_CID_LOCAL, vm_port(listener)));
	b = must(vm_accept(listener));
	check_sizes(b, 7000, 500, DEFAULT_SIZE, "accepted socket");
	check_sizes(a, DEFAULT_SIZE, 128, DEFAULT_SIZE, "its client");
	memset(&tv, 0, sizeof(tv));
	must(getsockopt(b, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, &len));
	ok(tv.tv_sec == 5 && tv.tv_usec == 500000, "%s: the timeout is inherited", T);
	close(a);
	close(b);
	close(listener);
}

static void check_timeout(void)
{
	static const struct {
		struct timeval set;
		int want;
		struct timeval get;
	} cases[] = {
		{ { 5, 500000 }, 0, { 5, 500000 } },
		{ { 0, 0 }, 0, { 2, 0 } },
		{ { 7, 0 }, 0, { 7, 0 } },
		{ { 1, 1000000 }, ERANGE, { 2, 0 } },
		{ { -1, 0 }, EDOM, { 2, 0 } },
		{ { 1, -1 }, EDOM, { 2, 0 } },
		{ { LONG_MAX, 0 }, ERANGE, { 2, 0 } },
	};
	static const int options[] = {
		SO_VM_SOCKETS_CONNECT_TIMEOUT_OLD, SO_VM_SOCKETS_CONNECT_TIMEOUT_NEW,
	};
	struct timeval tv;
	socklen_t len;
	size_t i, o;
	int fd;

	for (o = 0; o < ARRAY_SIZE(options); o++) {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			if (native() && cases[i].want == EDOM)
				continue;
			fd = vm_socket(type);
			is_errno(errno_of(setsockopt(fd, AF_VSOCK, options[o], &cases[i].set, sizeof(tv))),
				 cases[i].want, "%s: connect timeout %ld s %ld us, option %d", T,
				 (long)cases[i].set.tv_sec, (long)cases[i].set.tv_usec, options[o]);
			len = sizeof(tv);
			is_errno(errno_of(getsockopt(fd, AF_VSOCK, options[o], &tv, &len)), 0,
				 "%s: and get it", T);
			ok(tv.tv_sec == cases[i].get.tv_sec && tv.tv_usec == cases[i].get.tv_usec,
			   "%s: it is %ld s %ld us", T, (long)cases[i].get.tv_sec,
			   (long)cases[i].get.tv_usec) ||
				(diag("got %ld s %ld us", (long)tv.tv_sec, (long)tv.tv_usec), 0);
			is_int(len, sizeof(tv), "%s: in so many bytes", T);
			close(fd);
		}
		fd = vm_socket(type);
		is_errno(errno_of(setsockopt(fd, AF_VSOCK, options[o], &tv, 8)), EINVAL, "%s: too few bytes", T);
		is_errno(errno_of(setsockopt(fd, AF_VSOCK, options[o], NULL, 16)), EFAULT, "%s: from nowhere", T);
		len = 8;
		is_errno(errno_of(getsockopt(fd, AF_VSOCK, options[o], &tv, &len)), EINVAL, "%s: too little room", T);
		close(fd);
	}
}

static void check_unknown(void)
{
	static const struct { int level, option; } cases[] = {
		{ AF_VSOCK, 4 }, { AF_VSOCK, 9 }, { AF_VSOCK, 99 }, { AF_VSOCK, -1 },
		{ AF_VSOCK, SO_VM_SOCKETS_PEER_HOST_VM_ID }, { AF_VSOCK, SO_VM_SOCKETS_TRUSTED },
		{ AF_VSOCK, SO_VM_SOCKETS_NONBLOCK_TXRX }, { 6, 1 }, { 0, 1 },
	};
	unsigned long long value = 1;
	int fd = vm_socket(type);
	socklen_t len;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		is_errno(errno_of(setsockopt(fd, cases[i].level, cases[i].option, &value, 8)),
			 ENOPROTOOPT, "%s: set option %d of level %d", T, cases[i].option, cases[i].level);
		len = 8;
		is_errno(errno_of(getsockopt(fd, cases[i].level, cases[i].option, &value, &len)),
			 ENOPROTOOPT, "%s: get option %d of level %d", T, cases[i].option, cases[i].level);
	}
	len = -1;
	is_errno(errno_of(getsockopt(fd, AF_VSOCK, 4, &value, &len)), EINVAL, "%s: negative room comes first", T);
	close(fd);
}

static int set_lowat(int fd, int value)
{
	return errno_of(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)));
}

static void check_lowat(void)
{
	/* For messages it means nothing, so it is not looked at. */
	const int refused = type == SOCK_STREAM ? EINVAL : 0;
	socklen_t len = sizeof(int);
	int a, b, value = 0;

	vm_pair(type, &a, &b);
	is_errno(set_lowat(b, DEFAULT_SIZE), 0, "%s: SO_RCVLOWAT of the whole buffer", T);
	is_errno(set_lowat(b, DEFAULT_SIZE + 1), refused, "%s: SO_RCVLOWAT beyond the buffer", T);
	is_errno(set_lowat(b, -1), refused, "%s: SO_RCVLOWAT negative", T);
	is_errno(set_lowat(b, 0), 0, "%s: SO_RCVLOWAT zero", T);
	must(getsockopt(b, SOL_SOCKET, SO_RCVLOWAT, &value, &len));
	is_int(value, 1, "%s: is one", T);
	close(a);
	close(b);
}

/* ---- Addresses ---- */

/* An address in a room of its own, with one thing changed. */
static struct sockaddr_vm *room(unsigned int port)
{
	static char memory[256];

	memset(memory, 0, sizeof(memory));
	*(struct sockaddr_vm *)memory = vm_addr(VMADDR_CID_LOCAL, port);
	return (void *)memory;
}

static void check_addresses(void)
{
	static const struct {
		const char *what;
		socklen_t len;
		int family, flags, reserved;
		int bind, connect;
	} cases[] = {
		{ "good", 16, AF_VSOCK, 0, 0, 0, 0 },
		{ "length 0", 0, AF_VSOCK, 0, 0, EINVAL, EINVAL },
		{ "length 2", 2, AF_VSOCK, 0, 0, EINVAL, EINVAL },
		{ "length 15", 15, AF_VSOCK, 0, 0, EINVAL, EINVAL },
		{ "length 64", 64, AF_VSOCK, 0, 0, 0, 0 },
		{ "length 128", 128, AF_VSOCK, 0, 0, 0, 0 },
		{ "length 129", 129, AF_VSOCK, 0, 0, EINVAL, EINVAL },
		{ "negative length", -1, AF_VSOCK, 0, 0, EINVAL, EINVAL },
		{ "AF_UNSPEC", 16, AF_UNSPEC, 0, 0, EINVAL, EINVAL },
		{ "AF_INET", 16, AF_INET, 0, 0, EINVAL, EINVAL },
		{ "flags 2", 16, AF_VSOCK, 2, 0, EINVAL, EINVAL },
		{ "flags 3", 16, AF_VSOCK, 3, 0, EINVAL, EINVAL },
		{ "the reserved field", 16, AF_VSOCK, 0, 1, 0, 0 },
	};
	int listener = vm_listen(type), fd;
	struct sockaddr_vm *addr;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = vm_socket(type);
		addr = room(VMADDR_PORT_ANY);
		addr->svm_family = cases[i].family;
		addr->svm_flags = cases[i].flags;
		addr->svm_reserved1 = cases[i].reserved;
		is_errno(errno_of(bind(fd, (struct sockaddr *)addr, cases[i].len)), cases[i].bind,
			 "%s: bind, %s", T, cases[i].what);
		is_int(vm_name(fd).svm_flags, 0, "%s: the name has no flags", T);
		is_int(vm_name(fd).svm_reserved1, 0, "%s: nor anything reserved", T);
		close(fd);

		fd = vm_socket(type);
		addr->svm_port = vm_port(listener);
		is_errno(errno_of(connect(fd, (struct sockaddr *)addr, cases[i].len)),
			 cases[i].connect, "%s: connect, %s", T, cases[i].what);
		close(fd);
		if (!cases[i].connect)
			close(must(vm_accept(listener)));
	}
	fd = vm_socket(type);
	is_errno(errno_of(bind(fd, (void *)16, 16)), EFAULT, "%s: bind from nowhere", T);
	is_errno(errno_of(connect(fd, (void *)16, 16)), EFAULT, "%s: connect from nowhere", T);
	close(fd);
	close(listener);
}

static void check_names(void)
{
	struct { struct sockaddr_vm addr; char behind; } out;
	int fd = vm_socket(type);
	socklen_t len = 6;

	must(-vm_bind(fd, VMADDR_CID_LOCAL, VMADDR_PORT_ANY));
	memset(&out, 0xee, sizeof(out));
	is_errno(errno_of(getsockname(fd, (struct sockaddr *)&out, &len)), 0, "%s: a name cut short", T);
	is_int(len, sizeof(struct sockaddr_vm), "%s: tells its whole length", T);
	is_int(out.addr.svm_family, AF_VSOCK, "%s: has its begin", T);
	is_int(((unsigned char *)&out)[6], 0xee, "%s: and no more", T);
	len = sizeof(out);
	must(getsockname(fd, (struct sockaddr *)&out, &len));
	is_int((unsigned char)out.behind, 0xee, "%s: nothing behind a whole name", T);
	is_int(out.addr.svm_cid, VMADDR_CID_LOCAL, "%s: which is right", T);
	close(fd);
}

static void check_device(void)
{
	int fd = open("/dev/vsock", O_RDWR | O_CLOEXEC);
	unsigned int cid = 0;
	char byte;

	call_ok(fd, "/dev/vsock opens");
	is_errno(errno_of(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid)), 0, "it tells the CID");
	is_int(cid, VMADDR_CID_LOCAL, "which without other transports is that of loopback");
	is_errno(errno_of(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, (void *)16)), EFAULT, "to nowhere");
	is_errno(errno_of(ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID + 1, &cid)), ENOTTY, "an unknown request");
	is_errno(errno_of(read(fd, &byte, 1)), EINVAL, "read");
	is_errno(errno_of(lseek(fd, 1, SEEK_SET)), ESPIPE, "lseek");
	close(fd);
}

int main(void)
{
	watchdog(60);
	for_each_type(type) {
		check_buffer_sizes();
		check_buffer_calls();
		check_buffer_effect();
		check_inherited();
		check_timeout();
		check_unknown();
		check_lowat();
		check_addresses();
		check_names();
	}
	check_device();

	return done();
}
