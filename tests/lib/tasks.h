/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that block, each in a thread of a test program. */
#ifndef TASKS_H
#define TASKS_H

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

struct task {
	pthread_t thread;
	atomic_int tid;
	long long (*run)(void *arg);
	void *arg;
	long long result;
	int error;
};

static void *task_main(void *arg)
{
	struct task *task = arg;

	task->tid = syscall(SYS_gettid);
	errno = 0;
	task->result = task->run(task->arg);
	task->error = errno;
	return NULL;
}

static TAP_UNUSED void task_start(struct task *task, long long (*run)(void *), void *arg)
{
	*task = (struct task) { .run = run, .arg = arg };
	if (pthread_create(&task->thread, NULL, task_main, task))
		bail_out("no more threads");
}

/* The state letter of /proc: S is asleep, and a task sleeps in its call only. */
static char task_state(int tid)
{
	char path[64], text[512];
	char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'X';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 'X';
	text[n] = '\0';
	end = strrchr(text, ')');
	return end ? end[2] : 'X';
}

/* True once the task sleeps; false when it ended, or never does. */
static TAP_UNUSED bool task_sleeps(struct task *task)
{
	long long end = now_ms() + PATIENCE_MS;
	char state;

	while (now_ms() < end) {
		state = task->tid ? task_state(task->tid) : 'R';
		if (state == 'S')
			return true;
		if (state == 'X' || state == 'Z')
			return false;
		sched_yield();
	}
	return false;
}

/* True when the task ended; its result and error are there then. */
static TAP_UNUSED bool task_ends(struct task *task)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_SECONDS + 5;
	return !pthread_timedjoin_np(task->thread, NULL, &end);
}

#endif
