/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call made again and again, with its first allocation failing, then its second
 * and so on, until it gets by without a failure (debug kernel, fault injection).
 * So does each access to the caller's memory. Each time the call either succeeds or
 * has an error that says so, and made again it works.
 */
#ifndef INJECT_H
#define INJECT_H

#include "vsock_test.h"

/* More than any call has. */
#define INJECT_MANY 1000000

/* ---- The kernel's fault injection: debugfs says what may fail, /proc when ---- */

static int fail_fd;

/* What this kernel was built without cannot fail. */
static void inject_set(const char *what, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", what);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return;
	must(write(must(fd), value, strlen(value)));
	close(fd);
}

/* Allocations from slabs; where the kernel has it, of pages, and accesses to the caller's memory. */
static TAP_UNUSED void inject_init(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[64];

	if (access("/sys/kernel/debug/failslab", F_OK))
		bail_out("this kernel has no fault injection");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "%s/verbose", kinds[i]);
		inject_set(path, getenv("VERBOSE") ?: "0");
	}
	/* Also allocations that could wait for memory, and the smallest ones. */
	inject_set("failslab/ignore-gfp-wait", "N");
	inject_set("fail_page_alloc/ignore-gfp-wait", "N");
	inject_set("fail_page_alloc/ignore-gfp-highmem", "N");
	inject_set("fail_page_alloc/min-order", "0");
}

/* For a thread or process that has none yet. */
static TAP_UNUSED void inject_open(void)
{
	fail_fd = must(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC));
}

/* From now on the @nth of this thread fails. */
static TAP_UNUSED void inject(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	must(pwrite(fail_fd, text, len, 0));
}

/* What was left to count: 0 when it has happened. */
static TAP_UNUSED int inject_end(void)
{
	char text[16] = "";

	must(pread(fail_fd, text, sizeof(text) - 1, 0));
	must(pwrite(fail_fd, "0", 1, 0));
	return atoi(text);
}

/* ---- One call ---- */

struct step {
	const char *name;
	/* Before each attempt. */
	void (*begin)(void);
	/* 0 or an error. */
	int (*call)(void);
	/* After one that failed, and may have changed nothing: NULL or what is wrong. */
	const char *(*failed)(void);
	/* After one that succeeded: NULL or what is wrong. */
	const char *(*done)(void);
	void (*end)(void);
	/* How many allocations from slabs it has at least. */
	int least;
	/* Only its last ones are of interest: all else is not ours. 0: all. */
	int last;
	/* It cannot be made again after an access to the caller's memory failed. */
	bool lost_by_efault;
	/* Made again after every tenth failure only, because it takes long. */
	bool slow;
};

/* ENFILE is the socket layer's word for an inode that it could not make. */
static bool clean(int error)
{
	return !error || error == ENOMEM || error == ENOBUFS || error == ENFILE || error == EFAULT;
}

/* How many there are in a call that succeeds. */
static int count(const struct step *step)
{
	int left, error;

	if (step->begin)
		step->begin();
	inject(INJECT_MANY);
	error = step->call();
	left = inject_end();
	if (!error && step->done)
		step->done();
	if (step->end)
		step->end();

	return INJECT_MANY - left;
}

/* One attempt with the @nth failing; false when it got by without. */
static bool attempt(const struct step *step, int nth, const char **wrong, int *error)
{
	bool injected;

	*wrong = NULL;
	if (step->begin)
		step->begin();
	inject(nth);
	*error = step->call();
	injected = !inject_end();
	if (!clean(*error) || (!injected && *error))
		*wrong = "another error";
	if (!*wrong && *error && step->failed)
		*wrong = step->failed();
	if (!*wrong && *error && !(step->lost_by_efault && *error == EFAULT) && !(step->slow && nth % 10)) {
		int again = step->call();

		if (again) {
			diag("made again: %s", strerror(again));
			*wrong = "it does not work when made again";
		}
		if (!again && step->done)
			*wrong = step->done();
	} else if (!*wrong && !*error && step->done) {
		*wrong = step->done();
	}
	if (step->end)
		step->end();

	return injected;
}

/* @what: of what kind, for its name. */
static TAP_UNUSED void check_step(const char *what, const struct step *step)
{
	int first = 1, bad = 0, failures = 0, nth, error;
	const char *wrong;

	if (step->last)
		first = count(step) - step->last;
	if (first < 1)
		first = 1;
	for (nth = first; nth < INJECT_MANY; nth++) {
		bool injected = attempt(step, nth, &wrong, &error);

		if (wrong && ++bad < 6)
			diag("%s: failure %d, %s: %s", step->name, nth,
			     error ? strerrorname_np(error) : "success", wrong);
		failures += error != 0;
		if (!injected)
			break;
	}
	ok(!bad, "%s%s: %d failures, of which the caller sees %d", what, step->name, nth - first, failures);
	if (nth - first < step->least)
		ok(false, "%s%s: at least %d", what, step->name, step->least);
}

#endif
