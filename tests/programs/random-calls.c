// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile caller: processes whose threads make random system calls on the same
 * AF_VSOCK sockets, in several namespaces, with random and wrong arguments, while
 * signals interrupt them. RANDOM_SECONDS says how long, RANDOM_SEED repeats a run
 * as far as threads that race can be repeated.
 *
 * What must hold is that every call comes back, that processes can be killed, and
 * that all works afterwards. Whether an answer is right is for other tests.
 */
#include "random_calls.h"

#define PROCESSES 3
#define THREADS 4
/* A call that took longer, though signals interrupt it, does not come back. */
#define STUCK_SECONDS 60
/* Times as long as asked for, when all processors are busy with other things. */
#define PATIENCE 4

/* ---- What the processes share with the one that watches them ---- */

struct progress {
	_Atomic unsigned long calls;
	_Atomic(const char *) last;
};

static struct shared {
	struct progress thread[PROCESSES][THREADS];
	struct call_results results;
} *shared;

/* ---- A process: its threads, and the signals that interrupt them ---- */

static int process_number;
static pthread_t threads[THREADS];

static void nothing(int signal)
{
	(void)signal;
}

/* With FAILING=1 the fault injection of the debug kernel has been told how often. */
static void fail_at_random(void)
{
	int fd = must(open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC));

	must(write(fd, "1", 1));
	close(fd);
}

static void *run_calls(void *arg)
{
	struct progress *progress = arg;

	rnd_state = progress->calls;
	progress->calls = 0;
	if (getenv("FAILING"))
		fail_at_random();
	for (;;) {
		const struct call *call = rnd_call();

		progress->last = call->name;
		call->make();
		progress->calls++;
	}
	return NULL;
}

static __attribute__((noreturn)) void run_process(uint64_t seed)
{
	struct sigaction restart = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct sigaction interrupt = { .sa_handler = nothing };
	struct progress *progress = shared->thread[process_number];

	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	signal(SIGALRM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	must(sigaction(SIGUSR1, &interrupt, NULL));
	must(sigaction(SIGUSR2, &restart, NULL));
	open_arguments();
	rnd_state = seed;
	for (int i = 0; i < THREADS; i++) {
		progress[i].calls = rnd64() | 1;
		if (pthread_create(&threads[i], NULL, run_calls, &progress[i]))
			bail_out("no more threads");
	}
	for (;;) {
		usleep(1 + rnd(4000));
		pthread_kill(threads[rnd(THREADS)], one_in(2) ? SIGUSR1 : SIGUSR2);
	}
}

/* ---- The one that starts, watches and ends them ---- */

static pid_t start_process(int number, uint64_t seed)
{
	pid_t pid;

	/* First of its own process namespace: those that it forks end with it. */
	pid = must(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL));
	if (!pid) {
		process_number = number;
		run_process(seed + 1000003ULL * number);
	}
	return pid;
}

/* The name of the call that a thread does not come back from, or NULL. */
static const char *stuck(void)
{
	static unsigned long seen[PROCESSES][THREADS];
	static long long since[PROCESSES][THREADS];

	for (int p = 0; p < PROCESSES; p++) {
		for (int t = 0; t < THREADS; t++) {
			struct progress *progress = &shared->thread[p][t];

			if (progress->calls != seen[p][t]) {
				seen[p][t] = progress->calls;
				since[p][t] = now_ms();
			} else if (since[p][t] && now_ms() - since[p][t] > STUCK_SECONDS * 1000) {
				return progress->last;
			}
		}
	}
	return NULL;
}

static void check_all_works(void)
{
	int client, server;

	for (int i = 0; i < NS_COUNT; i++) {
		vm_pair_in(ns_fd[i], SOCK_STREAM, &client, &server);
		is_errno(vm_echo(client, server), 0, "a stream works in %s", ns_names[i]);
		close(client);
		close(server);
		vm_pair_in(ns_fd[i], SOCK_SEQPACKET, &client, &server);
		is_errno(vm_echo(client, server), 0, "messages work in %s", ns_names[i]);
		close(client);
		close(server);
	}
}

/* Random calls that all fail would find nothing. */
static bool much_happened(void)
{
	return results->connected > 10 && results->accepted > 10 && results->sent > 1000 && results->received > 1000;
}

int main(void)
{
	unsigned int seconds = atoi(getenv("RANDOM_SECONDS") ?: "20");
	uint64_t seed = getenv("RANDOM_SEED") ? strtoull(getenv("RANDOM_SEED"), NULL, 0) : (uint64_t)time(NULL);
	unsigned long total = 0;
	const char *name = NULL;
	pid_t pid[PROCESSES];
	long long end, last;
	int status;
	bool died = false;

	watchdog(PATIENCE * seconds + 4 * STUCK_SECONDS);
	printf("# RANDOM_SEED=%llu RANDOM_SECONDS=%u\n", (unsigned long long)seed, seconds);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	results = &shared->results;
	ns_setup();
	for (int p = 0; p < PROCESSES; p++)
		pid[p] = start_process(p, seed);
	end = now_ms() + seconds * 1000LL;
	last = now_ms() + PATIENCE * seconds * 1000LL;
	while ((now_ms() < end || (!much_happened() && now_ms() < last)) && !name && !died) {
		poll(NULL, 0, 500);
		name = stuck();
		for (int p = 0; p < PROCESSES; p++)
			if (waitpid(pid[p], &status, WNOHANG) == pid[p]) {
				diag("process %d ended with status %#x", p, status);
				pid[p] = 0;
				died = true;
			}
	}
	ok(!name, "every call comes back%s%s", name ? ", not so " : "", name ?: "");
	ok(!died, "no process dies");
	for (int p = 0; p < PROCESSES; p++) {
		for (int t = 0; t < THREADS; t++)
			total += shared->thread[p][t].calls;
		if (pid[p])
			must(kill(pid[p], SIGKILL));
	}
	/* A process that cannot be killed is for the watchdog. */
	for (int p = 0; p < PROCESSES; p++)
		if (pid[p])
			must(waitpid(pid[p], &status, 0));
	ok(true, "killed, they go");
	diag("%lu calls; %lu connects, %lu refused, %lu accepts, %lu bytes sent, %lu received",
	     total, results->connected, results->refused, results->accepted, results->sent, results->received);
	ok(much_happened(), "many calls did what they can do");
	check_all_works();
	for (int i = 0; i < NS_COUNT; i++)
		close(ns_fd[i]);

	return done();
}
