/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is not there until we say so (userfaultfd): a call that is handed it sleeps in the middle of its copy. */
#ifndef SLOW_MEMORY_H
#define SLOW_MEMORY_H

#include "vsock_test.h"

#include <linux/filter.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>

#define SLOW_SIZE (256 * 1024)

static int slow_fd = -1;
static char *slow;

/* False when this kernel cannot do it. */
static TAP_UNUSED bool slow_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	slow_fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	return slow_fd >= 0 && !ioctl(slow_fd, UFFDIO_API, &api);
}

static TAP_UNUSED void slow_new(void)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	slow = mmap(NULL, SLOW_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slow == MAP_FAILED)
		bail_out("mmap");
	range.range.start = (unsigned long)slow;
	range.range.len = SLOW_SIZE;
	must(ioctl(slow_fd, UFFDIO_REGISTER, &range));
}

/* Somebody sleeps for it: one more than was told of before. */
static TAP_UNUSED bool slow_is_wanted(void)
{
	struct uffd_msg message;

	return (poll_for(slow_fd, POLLIN) & POLLIN) &&
	       read(slow_fd, &message, sizeof(message)) == sizeof(message);
}

/* All of it comes, as data_fill() makes it for a sender, wrong in each byte for a receiver. */
static TAP_UNUSED void slow_arrives(bool for_sender)
{
	static char data[SLOW_SIZE];
	struct uffdio_copy copy = {
		.dst = (unsigned long)slow, .src = (unsigned long)data, .len = SLOW_SIZE,
	};
	struct uffd_msg message;
	size_t i;

	data_fill(data, SLOW_SIZE, 0);
	for (i = 0; !for_sender && i < SLOW_SIZE; i++)
		data[i] = ~data[i];
	must(ioctl(slow_fd, UFFDIO_COPY, &copy));
	while (read(slow_fd, &message, sizeof(message)) > 0)
		;
}

static TAP_UNUSED void slow_end(void)
{
	munmap(slow, SLOW_SIZE);
}

/* A task: holds the lock of the socket until the memory arrives, and fails then: that is no program. */
static TAP_UNUSED long long slow_hold_lock(void *fd)
{
	const struct sock_fprog program = { .len = 1, .filter = (struct sock_filter *)slow };

	return setsockopt(*(int *)fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

#endif
