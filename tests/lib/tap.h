/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP (Test Anything Protocol) for test programs: each check is one line, numbered; done() gives main() its value. */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_planned = -1;
static int tap_count;
static int tap_failed;

#define TAP_UNUSED __attribute__((unused))
#define TAP_PRINTF(string, first) __attribute__((unused, format(printf, string, first)))

static TAP_UNUSED void tap_comment(FILE *stream, const char *format, va_list args)
{
	fputs("# ", stream);
	vfprintf(stream, format, args);
	fputc('\n', stream);
	fflush(stream);
}

/* Says something to whoever reads a failed test. */
static TAP_PRINTF(1, 2) void diag(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_comment(stderr, format, args);
	va_end(args);
}

/* How many checks there will be; without it, done() says how many there were. */
static TAP_UNUSED void plan(int count)
{
	tap_planned = count;
	printf("1..%d\n", count);
	fflush(stdout);
}

/* One check. The line goes out at once: a test that dies in the kernel has told what it had reached. */
static TAP_UNUSED bool tap_check_args(const char *file, int line, bool good, const char *format, va_list args)
{
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	if (!good) {
		tap_failed++;
		diag("failed at %s:%d", file, line);
	}
	return good;
}

/* For functions that check in another way: the whole of tap_check_args(), of the arguments behind @format. */
#define TAP_CHECK(file, line, good, format) ({					\
	va_list tap_args;							\
	bool tap_good;								\
										\
	va_start(tap_args, format);						\
	tap_good = tap_check_args(file, line, good, format, tap_args);		\
	va_end(tap_args);							\
	tap_good;								\
})

static TAP_PRINTF(4, 5) bool tap_check(const char *file, int line, bool good, const char *format, ...)
{
	return TAP_CHECK(file, line, good, format);
}

static TAP_PRINTF(5, 6) bool tap_check_int(const char *file, int line, long long got, long long want,
					   const char *format, ...)
{
	if (TAP_CHECK(file, line, got == want, format))
		return true;
	diag("got %lld, want %lld", got, want);
	return false;
}

/* got is what a system call returned; a failure names the error that it had. */
static TAP_PRINTF(4, 5) bool tap_check_call(const char *file, int line, long long got, const char *format, ...)
{
	int error = errno;

	if (TAP_CHECK(file, line, got >= 0, format))
		return true;
	diag("error: %s", strerror(error));
	return false;
}

/* ok(condition, name, …), is_int(got, want, name, …), call_ok(returned, name, …): true when the check held. */
#define ok(condition, ...) tap_check(__FILE__, __LINE__, !!(condition), __VA_ARGS__)
#define is_int(got, want, ...) tap_check_int(__FILE__, __LINE__, got, want, __VA_ARGS__)
#define call_ok(returned, ...) tap_check_call(__FILE__, __LINE__, returned, __VA_ARGS__)

/* A check that cannot be made here, and why. */
static TAP_UNUSED void skip(const char *name, const char *reason)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, reason);
	fflush(stdout);
}

/* Ends the whole test at once where going on makes no sense; prove counts it as failed. */
static TAP_PRINTF(1, 2) __attribute__((noreturn)) void bail_out(const char *format, ...)
{
	va_list args;

	fputs("Bail out! ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	exit(255);
}

static TAP_UNUSED int done(void)
{
	if (tap_planned < 0)
		printf("1..%d\n", tap_count);
	fflush(stdout);
	if (tap_planned >= 0 && tap_planned != tap_count)
		return 2;
	return tap_failed ? 1 : 0;
}

#endif
