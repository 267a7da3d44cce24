// SPDX-License-Identifier: GPL-2.0-only
/* What net.vsock's three entries take, refuse and tell, and who inherits what. */
#include "vsock_test.h"

#include <dirent.h>
#include <sys/stat.h>

#define TEXT(s) s, sizeof(s) - 1

static int open_entry(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", name);
	return open(path, flags | O_CLOEXEC);
}

/* All three entries of a namespace. */
static void check_entries(int ns, const char *mode, const char *child,
			  const char *fallback, const char *who)
{
	const char *got = sysctl_get_in(ns, "ns_mode");

	ok(!strcmp(got, mode), "%s: ns_mode is %.5s (%.5s)", who, mode, got);
	got = sysctl_get_in(ns, "child_ns_mode");
	ok(!strcmp(got, child), "%s: child_ns_mode is %.5s (%.5s)", who, child, got);
	got = sysctl_get_in(ns, "g2h_fallback");
	ok(!strcmp(got, fallback), "%s: g2h_fallback is %.1s (%.1s)", who, fallback, got);
}

static void check_files(int ns, const char *who)
{
	static const struct { const char *name; mode_t mode; } want[] = {
		{ "child_ns_mode", 0100644 },
		{ "g2h_fallback", 0100644 },
		{ "ns_mode", 0100444 },
	};
	int here = ns_here();
	struct dirent *entry;
	struct stat st = {};
	unsigned int i;
	DIR *dir;
	int n = 0;

	ns_enter(ns);
	stat(SYSCTL_DIR, &st);
	is_int(st.st_mode, 040555, "%s: mode of the directory", who);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		int fd = open_entry(want[i].name, O_RDONLY);

		call_ok(fstat(fd, &st), "%s: %s is there", who, want[i].name);
		is_int(st.st_mode, want[i].mode, "%s: mode of %s", who, want[i].name);
		close(fd);
	}
	dir = opendir(SYSCTL_DIR);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	is_int(n, ARRAY_SIZE(want), "%s: nothing else is there", who);
	is_errno(errno_of(chmod(SYSCTL_DIR "ns_mode", 0644)), EPERM, "%s: chmod", who);
	is_errno(errno_of(open_entry("ns_mode", O_WRONLY)), EACCES,
		 "%s: ns_mode cannot be opened to write", who);
	is_errno(errno_of(open_entry("ns_mode", O_RDWR)), EACCES,
		 "%s: nor to read and write", who);
	ns_enter(here);
	close(here);
}

/* One write() each, in a namespace of its own. */
static void check_child_forms(void)
{
	static const struct {
		const char *value;
		size_t len;
		int want;
		const char *mode;	/* that was written, NULL: none */
	} forms[] = {
		{ TEXT("local"), 0, "local\n" },
		{ TEXT("local\n"), 0, "local\n" },
		{ TEXT("global"), 0, "global\n" },
		{ TEXT("global\n"), 0, "global\n" },
		{ TEXT("global\0"), 0, "global\n" },
		{ TEXT("local\0"), 0, "local\n" },
		{ TEXT(""), 0, NULL },
		{ TEXT("\n"), EINVAL, NULL },
		{ TEXT("\0"), EINVAL, NULL },
		{ TEXT(" "), EINVAL, NULL },
		{ TEXT(" local"), EINVAL, NULL },
		{ TEXT("\nlocal"), EINVAL, NULL },
		{ TEXT("local "), EINVAL, NULL },
		{ TEXT("local \n"), EINVAL, NULL },
		{ TEXT("local\r\n"), EINVAL, NULL },
		{ TEXT("global "), EINVAL, NULL },
		{ TEXT("global \n"), EINVAL, NULL },
		{ TEXT("globally"), EINVAL, NULL },
		{ TEXT("locally"), EINVAL, NULL },
		{ TEXT("loca"), EINVAL, NULL },
		{ TEXT("l"), EINVAL, NULL },
		{ TEXT("Local"), EINVAL, NULL },
		{ TEXT("GLOBAL"), EINVAL, NULL },
		{ TEXT("\"local\""), EINVAL, NULL },
		{ TEXT("0"), EINVAL, NULL },
		{ TEXT("1"), EINVAL, NULL },
		{ TEXT("local,global"), EINVAL, NULL },
		{ TEXT("local\0 and much more behind"), EINVAL, NULL },
		{ TEXT("local                       "), EINVAL, NULL },
	};
	int here = ns_here();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *want = forms[i].mode ?: "global\n";
		const char *other = strcmp(want, "local\n") ? "local" : "global";
		int ns = ns_new(here);

		ns_enter(ns);
		is_errno(sysctl_write("child_ns_mode", forms[i].value, forms[i].len),
			 forms[i].want, "form %u (%zu bytes) of child_ns_mode", i,
			 forms[i].len);
		ok(!strcmp(sysctl_get("child_ns_mode"), want), "form %u: reads %.5s",
		   i, want);
		is_errno(sysctl_set("child_ns_mode", other),
			 forms[i].mode ? EBUSY : 0, "form %u: it is %s", i,
			 forms[i].mode ? "locked" : "still free");
		ns_enter(here);
		close(ns);
	}
	close(here);
}

static void check_child_pieces(void)
{
	int here = ns_here();
	int ns = ns_new(here);
	int fd;

	ns_enter(ns);
	fd = must(open_entry("child_ns_mode", O_RDWR));
	is_errno(errno_of(write(fd, "loc", 3)), EINVAL, "first half of a word");
	is_errno(errno_of(write(fd, "al\n", 3)), EINVAL, "second half");
	is_errno(errno_of(pwrite(fd, "local", 5, 4096)), EINVAL, "at an offset");
	is_int(write(fd, "local\n", 6), 6, "a write tells that it took all");
	close(fd);
	ns_enter(here);
	close(ns);
	close(here);
}

static void check_locking(void)
{
	static const struct {
		const char *write[3];
		int want[3];
		const char *reads;
	} sequences[] = {
		{ { "local", "global" }, { 0, EBUSY }, "local\n" },
		{ { "global", "local" }, { 0, EBUSY }, "global\n" },
		{ { "local", "local", "local" }, {}, "local\n" },
		{ { "global", "global", "global" }, {}, "global\n" },
		{ { "nonsense", "local" }, { EINVAL, 0 }, "local\n" },
		{ { "local", "nonsense", "local" }, { 0, EINVAL, 0 }, "local\n" },
		{ { "local", "global", "local" }, { 0, EBUSY, 0 }, "local\n" },
		{ { "", "local" }, {}, "local\n" },
	};
	static const struct {
		const char *write[3];
		int want[3];
	} local_sequences[] = {
		{ { "global", "local" }, { EPERM, 0 } },
		{ { "local", "local", "global" }, { 0, 0, EPERM } },
		{ { "nonsense", "global", "nonsense" }, { EINVAL, EPERM, EINVAL } },
	};
	int here = ns_here();
	unsigned int i, k;
	int ns;

	for (i = 0; i < ARRAY_SIZE(sequences); i++) {
		ns = ns_new(here);
		for (k = 0; k < 3 && sequences[i].write[k]; k++)
			is_errno(sysctl_set_in(ns, "child_ns_mode", sequences[i].write[k]),
				 sequences[i].want[k], "global namespace %u writes \"%s\"",
				 i, sequences[i].write[k]);
		check_entries(ns, "global\n", sequences[i].reads, "1\n", "and then");
		close(ns);
	}
	for (i = 0; i < ARRAY_SIZE(local_sequences); i++) {
		ns = ns_new_local();
		for (k = 0; k < 3 && local_sequences[i].write[k]; k++)
			is_errno(sysctl_set_in(ns, "child_ns_mode",
					       local_sequences[i].write[k]),
				 local_sequences[i].want[k],
				 "local namespace %u writes \"%s\"", i,
				 local_sequences[i].write[k]);
		check_entries(ns, "local\n", "local\n", "1\n", "and then");
		close(ns);
	}
	close(here);
}

static void check_inheritance(void)
{
	int init = ns_here();
	int parent = ns_new(init), other = ns_new(init);
	int before = ns_new(parent), locked_after = ns_new(parent);
	int after, ns[4], i;

	must(-sysctl_set_in(parent, "child_ns_mode", "local"));
	check_entries(before, "global\n", "global\n", "1\n", "child made before");
	is_errno(sysctl_set_in(locked_after, "child_ns_mode", "local"), 0,
		 "a child made before is not locked");
	after = ns_new(parent);
	check_entries(after, "local\n", "local\n", "1\n", "child made after");
	check_entries(other, "global\n", "global\n", "1\n", "another parent");
	is_errno(sysctl_set_in(other, "child_ns_mode", "global"), 0,
		 "another parent is not locked");

	for (i = 0; i < 4; i++)
		ns[i] = ns_new(i ? ns[i - 1] : after);
	check_entries(ns[0], "local\n", "local\n", "1\n", "local grandchild");
	check_entries(ns[3], "local\n", "local\n", "1\n", "local great-great-great-grandchild");

	/* The parent is where the creator is, not where it came from. */
	ns_enter(after);
	ns_enter(init);
	must(unshare(CLONE_NEWNET));
	ok(!strcmp(sysctl_get("ns_mode"), "global\n"), "made from init by a visitor of a local one");
	ns_enter(before);
	must(unshare(CLONE_NEWNET));
	ok(!strcmp(sysctl_get("ns_mode"), "global\n"), "made from a global sibling");
	ns_enter(init);

	for (i = 0; i < 4; i++)
		close(ns[i]);
	close(after);
	close(before);
	close(locked_after);
	close(parent);
	close(other);
	close(init);
}

static void check_fallback(void)
{
	static const struct {
		const char *value;
		size_t len;
		int want;
		const char *reads;
	} forms[] = {
		{ TEXT("0"), 0, "0\n" },
		{ TEXT("0\n"), 0, "0\n" },
		{ TEXT("1"), 0, "1\n" },
		{ TEXT("1\n"), 0, "1\n" },
		{ TEXT(" 0"), 0, "0\n" },
		{ TEXT("0 "), 0, "0\n" },
		{ TEXT("0x0"), 0, "0\n" },
		{ TEXT(""), 0, "1\n" },
		{ TEXT("\n"), EINVAL, "1\n" },
		{ TEXT("2"), EINVAL, "1\n" },
		{ TEXT("-1"), EINVAL, "1\n" },
		{ TEXT("true"), EINVAL, "1\n" },
		{ TEXT("0x"), EINVAL, "1\n" },
		{ TEXT("99999999999"), EINVAL, "1\n" },
	};
	int here = ns_here();
	int zero, child;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		int ns = i % 2 ? ns_new_local() : ns_new(here);

		ns_enter(ns);
		is_errno(sysctl_write("g2h_fallback", forms[i].value, forms[i].len),
			 forms[i].want, "form %u of g2h_fallback", i);
		ok(!strcmp(sysctl_get("g2h_fallback"), forms[i].reads),
		   "form %u: reads %.1s", i, forms[i].reads);
		is_errno(sysctl_set("g2h_fallback", "0"), 0, "form %u: to 0", i);
		is_errno(sysctl_set("g2h_fallback", "1"), 0, "form %u: and to 1 again", i);
		ns_enter(here);
		close(ns);
	}

	zero = ns_new(here);
	must(-sysctl_set_in(zero, "g2h_fallback", "0"));
	child = ns_new(zero);
	check_entries(zero, "global\n", "global\n", "0\n", "fallback off");
	check_entries(child, "global\n", "global\n", "1\n", "child of one with fallback off");
	check_entries(here, "global\n", "global\n", "1\n", "init, after that");
	close(zero);
	close(child);
	close(here);
}

static void check_reads(int ns, const char *word, const char *who)
{
	int here = ns_here();
	char got[16] = "";
	size_t place = 0;
	int fd;

	ns_enter(ns);
	fd = must(open_entry("ns_mode", O_RDONLY));
	while (place < sizeof(got) - 1 && read(fd, got + place, 1) == 1)
		place++;
	ok(!strcmp(got, word), "%s: ns_mode byte by byte", who);
	is_int(read(fd, got, sizeof(got)), 0, "%s: and its end", who);
	close(fd);

	fd = must(open_entry("child_ns_mode", O_RDONLY));
	memset(got, 0, sizeof(got));
	is_int(read(fd, got, 3), 3, "%s: three bytes", who);
	is_int(read(fd, got + 3, 8), strlen(word) - 3, "%s: and the rest", who);
	ok(!strcmp(got, word), "%s: make a word", who);
	is_int(read(fd, got, 0), 0, "%s: nothing asked, nothing got", who);
	close(fd);
	ns_enter(here);
	close(here);
}

/* An open file is of the namespace that it was opened in. */
static void check_open_files(void)
{
	int here = ns_here();
	int a = ns_new(here), b = ns_new(here);
	char got[16] = "";
	int fd;

	ns_enter(a);
	fd = must(open_entry("child_ns_mode", O_RDWR));
	ns_enter(b);
	is_int(write(fd, "local", 5), 5, "writing a file of another namespace");
	must(pread(fd, got, sizeof(got) - 1, 0));
	ok(!strcmp(got, "local\n"), "it reads back");
	ns_enter(here);
	check_entries(a, "global\n", "local\n", "1\n", "the file's namespace");
	check_entries(b, "global\n", "global\n", "1\n", "the writer's namespace");

	/* Nor does it keep the namespace: the sysctl goes, the file stays. */
	close(a);
	close(b);
	close(fd);
	close(here);
}

static int race_ns;
static atomic_int race_go;

static long long race_write(void *mode)
{
	ns_enter(race_ns);
	while (!race_go)
		;
	return sysctl_set("child_ns_mode", mode);
}

/* Many write at once: one mode wins, and who wrote it is told so. */
static void check_racing_writers(void)
{
	int here = ns_here();
	int round, i, wrong = 0;
	int wins[2] = {};
	struct task tasks[4];

	for (round = 0; round < 50; round++) {
		bool local;

		race_ns = ns_new(here);
		race_go = 0;
		for (i = 0; i < 4; i++)
			task_start(&tasks[i], race_write, i % 2 ? "local" : "global");
		race_go = 1;
		for (i = 0; i < 4; i++)
			if (!task_ends(&tasks[i]))
				bail_out("a write hangs");
		local = !strcmp(sysctl_get_in(race_ns, "child_ns_mode"), "local\n");
		wins[local]++;
		for (i = 0; i < 4; i++)
			wrong += tasks[i].result != ((i % 2 == local) ? 0 : EBUSY);
		close(race_ns);
	}
	is_int(wrong, 0, "%d races of writers, global won %d, local %d: everyone was told right",
	       round, wins[0], wins[1]);
	close(here);
}

int main(void)
{
	int init, global, local;

	watchdog(90);
	init = ns_here();
	global = ns_new_global();
	local = ns_new_local();

	check_entries(init, "global\n", "global\n", "1\n", "init");
	check_entries(global, "global\n", "global\n", "1\n", "global namespace");
	check_entries(local, "local\n", "local\n", "1\n", "local namespace");
	check_files(init, "init");
	check_files(global, "global namespace");
	check_files(local, "local namespace");
	check_child_forms();
	check_child_pieces();
	check_locking();
	check_inheritance();
	check_fallback();
	check_reads(init, "global\n", "init");
	check_reads(local, "local\n", "local namespace");
	check_open_files();
	check_racing_writers();
	check_entries(init, "global\n", "global\n", "1\n", "init, after everything");

	/* Last, because it cannot be undone. */
	is_errno(sysctl_set("child_ns_mode", "local"), 0, "init writes local");
	is_errno(sysctl_set("child_ns_mode", "global"), EBUSY, "init is locked");
	check_entries(init, "global\n", "local\n", "1\n", "init itself stays global");
	close(local);
	local = ns_new(init);
	check_entries(local, "local\n", "local\n", "1\n", "and its new child is local");

	return done();
}
