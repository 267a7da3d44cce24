/* SPDX-License-Identifier: GPL-2.0-only */
/* What test programs check with beyond TAP: errors by their names, what must not fail, and an end to what hangs. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* The debug kernel checks each access to memory. */
static TAP_UNUSED bool is_slow_kernel(void)
{
	const char *kernel = getenv("KERNEL");

	return kernel && !strcmp(kernel, "debug");
}

/* Longer than anything that works takes, also emulated and on a busy machine. */
#define PATIENCE_SECONDS (is_slow_kernel() ? 80 : 20)
#define PATIENCE_MS (PATIENCE_SECONDS * 1000)

/* Bounds on memory are the distribution kernels'.  The debug kernel adds gaps and records to each allocation. */
#define MEMORY_FACTOR (is_slow_kernel() ? 3 : 1)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define errno_of(call) ((call) < 0 ? errno : 0)

/* The kernel under test has the feature itself. */
static TAP_UNUSED bool native(void)
{
	return getenv("NATIVE") != NULL;
}

/* A check of an error number, 0 for success; tells names, not numbers. */
static TAP_PRINTF(5, 6) bool check_errno(const char *file, int line, int got,
					 int want, const char *format, ...)
{
	if (TAP_CHECK(file, line, got == want, format))
		return true;
	diag("got %s, want %s", got ? strerrorname_np(got) ?: "?" : "success",
	     want ? strerrorname_np(want) : "success");
	return false;
}

#define is_errno(got, want, ...) \
	check_errno(__FILE__, __LINE__, got, want, __VA_ARGS__)

/* What fails here is not the subject of the test. */
#define must(call) ({							\
	long long must_ret = (call);					\
	if (must_ret < 0)						\
		bail_out("%s:%d: %s: %s", __FILE__, __LINE__, #call,	\
			 strerror(errno));				\
	must_ret;							\
})

static void watchdog_bark(int signal)
{
	static const char text[] = "not ok - hangs: the time is up\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(254);
	_exit(255);
}

/* First call of main(): a hang ends the program, and the test with it. */
static TAP_UNUSED void watchdog(unsigned int seconds)
{
	if (is_slow_kernel())
		seconds *= 3;
	signal(SIGALRM, watchdog_bark);
	signal(SIGPIPE, SIG_IGN);
	alarm(seconds);
}

static TAP_UNUSED long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#endif
