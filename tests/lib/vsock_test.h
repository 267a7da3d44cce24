/* SPDX-License-Identifier: GPL-2.0-only */
/* What test programs share, each part in a file of its own or below.  Nothing here waits for ever. */
#ifndef VSOCK_TEST_H
#define VSOCK_TEST_H

#include "check.h"
#include "namespaces.h"
#include "sockets.h"
#include "tasks.h"

#include <limits.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <linux/sockios.h>

/* ---- Data that proves itself: each byte follows from its place ---- */

static TAP_UNUSED void data_fill(void *buffer, size_t len, uint64_t place)
{
	unsigned char *byte = buffer;

	for (; len--; place++)
		*byte++ = (place * 2654435761u) >> 13;
}

/* -1 when all is right, else the place of the first wrong byte. */
static TAP_UNUSED long long data_check(const void *buffer, size_t len, uint64_t place)
{
	const unsigned char *byte = buffer;

	for (; len--; place++)
		if (*byte++ != (unsigned char)((place * 2654435761u) >> 13))
			return place;
	return -1;
}

/* ---- Memory ---- */

/* Of the numbers behind @name in a file of /proc. */
static TAP_UNUSED long long sum_of(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	long long sum = 0, value;
	char line[128], word[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lld", word, &value) == 2 && !strcmp(word, name))
			sum += value;
	if (file)
		fclose(file);
	return sum;
}

/* Processors keep free pages in lists of their own, 50 MB at times, that MemFree leaves out. */
static TAP_UNUSED long long memory_listed(void)
{
	return sum_of("/proc/zoneinfo", "count:") * sysconf(_SC_PAGESIZE);
}

/* Of the whole machine, in bytes, what neither is free nor can be at once: what the kernel took shows here. */
static TAP_UNUSED long long memory_used(void)
{
	long long kib, listed = memory_listed(), before;
	int tries = 10;

	/* The two files are not of one moment: who wants memory empties those lists between them. */
	do {
		before = listed;
		kib = sum_of("/proc/meminfo", "MemFree:") + sum_of("/proc/meminfo", "Cached:") +
		      sum_of("/proc/meminfo", "Buffers:");
		listed = memory_listed();
	} while (llabs(listed - before) > 1 << 20 && --tries);
	return -(kib * 1024 + listed);
}

/* ---- Checks in a process of their own, numbered with ours ---- */

static TAP_UNUSED void in_child(void (*run)(void))
{
	int count[2] = { tap_count, tap_failed };
	int result[2], status;
	pid_t pid;

	must(pipe2(result, O_CLOEXEC));
	pid = must(fork());
	if (!pid) {
		must(prctl(PR_SET_PDEATHSIG, SIGKILL));
		run();
		count[0] = tap_count;
		count[1] = tap_failed;
		must(write(result[1], count, sizeof(count)));
		_exit(0);
	}
	close(result[1]);
	if (read(result[0], count, sizeof(count)) != sizeof(count))
		diag("the child process died");
	close(result[0]);
	tap_count = count[0];
	tap_failed = count[1];
	must(waitpid(pid, &status, 0));
	if (status)
		ok(false, "the child process ended well, not with status %#x", status);
}

/* ---- The end of a test: nothing holds the modules any more ---- */

static TAP_UNUSED void check_unload(void)
{
	long long end = now_ms() + PATIENCE_MS;
	bool gone = false;

	/* Namespaces and timers may still be on their way out. */
	while (!gone && now_ms() < end) {
		if (system("modprobe -q -r vsock_loopback vsock 2>/dev/null"))
			poll(NULL, 0, 100);
		gone = access("/sys/module/vsock", F_OK);
	}
	if (!ok(gone, "the modules unload"))
		system("lsmod | grep vsock | sed 's/^/# /' >&2");
}

#endif
