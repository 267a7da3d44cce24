// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory while the modules are loaded and unloaded: see inject.h. MODULES is
 * the directory that has them; none is loaded. Of the many allocations of a load only
 * the last ones are of interest, which the modules' own init functions make.
 */
#include "inject.h"

#define LAST 100

static int load(const char *name)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", getenv("MODULES"), name);
	fd = must(open(path, O_RDONLY | O_CLOEXEC));
	err = errno_of(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	return err;
}

/* Something that was closed may hold it for a moment. */
static int unload(const char *name)
{
	long long end = now_ms() + PATIENCE_MS;
	int err;

	while ((err = errno_of(syscall(SYS_delete_module, name, O_NONBLOCK))) == EAGAIN && now_ms() < end)
		poll(NULL, 0, 10);
	return err;
}

static int load_vsock(void)
{
	return load("vsock");
}

static int load_loopback(void)
{
	return load("vsock_loopback");
}

static int load_vhost(void)
{
	return load("vhost_vsock");
}

static int unload_all(void)
{
	int err = unload("vhost_vsock");

	if (err == 0 || err == ENOENT)
		err = unload("vsock_loopback");
	return err == 0 || err == ENOENT ? unload("vsock") : err;
}

static void begin_second(void)
{
	must(-load_vsock());
}

static void begin_unload(void)
{
	must(-load_vsock());
	must(-load_loopback());
	must(-load_vhost());
}

static const char *not_there(void)
{
	return access("/sys/module/vsock", F_OK) ? NULL : "what failed to load is there";
}

static const char *loopback_not_there(void)
{
	return access("/sys/module/vsock_loopback", F_OK) ? NULL : "what failed to load is there";
}

static const char *vhost_not_there(void)
{
	return access("/sys/module/vhost_vsock", F_OK) ? NULL : "what failed to load is there";
}

static const char *has_device(void)
{
	int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? "the device does not open" : NULL;
}

static const char *has_sysctl(void)
{
	int here = ns_here(), new = ns_new(here);
	const char *mode = sysctl_get_in(new, "ns_mode");

	close(new);
	close(here);
	return strcmp(mode, "global\n") ? "a namespace has no ns_mode" : NULL;
}

static const char *talk(void)
{
	int client, server, err;

	vm_pair(SOCK_STREAM, &client, &server);
	err = vm_echo(client, server);
	close(client);
	close(server);
	return err ? "no two sockets talk" : NULL;
}

static void end_load(void)
{
	int err = unload_all();

	if (err && err != ENOENT)
		bail_out("a module does not unload: %s", strerror(err));
}

static const struct step steps[] = {
	{ "loading vsock", NULL, load_vsock, not_there, has_sysctl, end_load, .least = 20, .last = LAST,
	  .slow = true },
	{ "loading vsock_loopback", begin_second, load_loopback, loopback_not_there, talk, end_load, .least = 5,
	  .last = LAST / 2, .slow = true },
	{ "loading vhost_vsock", begin_second, load_vhost, vhost_not_there, has_device, end_load, .least = 5,
	  .last = LAST, .slow = true },
	{ "unloading all", begin_unload, unload_all, NULL, not_there, NULL, .least = 0, .last = LAST / 2 },
};

int main(void)
{
	watchdog(400);
	inject_init();
	inject_open();
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		check_step("", &steps[i]);

	return done();
}
