#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What modules do when they come: autoload, the parameter child_ns_mode, namespaces that were there before, a foreign vsock.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool

# modes NAME: "ns_mode child_ns_mode g2h_fallback" of a namespace.
modes() {
	ns_exec "$1" sh -c 'cd /proc/sys/net/vsock && cat ns_mode child_ns_mode g2h_fallback' | paste -s -d " "
}

# What the kernel said of vsock since forget_messages; the log that the test machine checks stays whole.
messages() { dmesg | grep -i vsock; }
forget_messages() { dmesg -C; }

fails "nothing is loaded at first" module_loaded vsock
fails "and there are no sysctls" test -e /proc/sys/net/vsock
forget_messages
is "$("$tool" socket)" ok "a socket loads what it needs"
ok "vsock" wait_until module_loaded vsock
ok "and vsock_loopback" wait_until module_loaded vsock_loopback
is "$("$tool" pair)" ok "which talks"
like "$(messages)" "vsock: vsock-netns $(modinfo -F version vsock)\$" "the log says which it is"
ok "sysctls are there" test -d /proc/sys/net/vsock
ok "unload" wait_until unload_all
fails "and then they are gone" test -e /proc/sys/net/vsock
fails "and so is /dev/vsock" test -e /dev/vsock

# Namespaces that exist before, without the parameter.
ip netns add early1
ip netns add early2
fails "no sysctls in a namespace without vsock" ns_exec early1 test -e /proc/sys/net/vsock
load_loopback
is "$(modes "")" "global global 1" "default: init"
is "$(modes early1)" "global global 1" "default: a namespace that was there before"
ip netns add late
is "$(modes late)" "global global 1" "default: one that came later"
ns_sysctl early1 child_ns_mode local
ns_exec early1 ip netns add local
is "$(modes local)" "local local 1" "a local one"
ip netns delete late
ok "unload" wait_until unload_all

# From inside another namespace, nothing is different.
ok "loaded from inside a namespace" ns_exec early2 modprobe vsock_loopback
is "$(modes "")" "global global 1" "from inside: init"
is "$(modes early2)" "global global 1" "from inside: the namespace"
is "$(modes local)" "global global 1" "what was local is not, by default, after another load"
ok "unload" wait_until unload_all

check_local() { # check_local WHO
	is "$(modes "")" "global local 1" "$1: init"
	for ns in early1 early2 local; do
		is "$(modes "$ns")" "local local 1" "$1: $ns, which was there before"
	done
	ip netns add late
	is "$(modes late)" "local local 1" "$1: one that came later"
	modprobe vsock_loopback
	mkfifo /run/listener.in /run/listener.out
	ns_exec early1 "$tool" listen 1234 </run/listener.in >/run/listener.out &
	exec 8>/run/listener.in
	read -r _ </run/listener.out
	is "$(ns_exec early1 "$tool" connect 1 1234)" ok "$1: within one of them"
	is "$("$tool" connect 1 1234)" ECONNRESET "$1: not from init"
	is "$(ns_exec early2 "$tool" connect 1 1234)" ECONNRESET "$1: not from another old one"
	is "$(ns_exec late "$tool" connect 1 1234)" ECONNRESET "$1: not from a new one"
	exec 8>&-
	wait
	rm /run/listener.in /run/listener.out
	ip netns delete late
	ok "$1: unload" wait_until unload_all
}

modprobe vsock child_ns_mode=local
is "$(cat /sys/module/vsock/parameters/child_ns_mode)" local "the parameter can be read"
fails "but not written" sh -c 'echo global >/sys/module/vsock/parameters/child_ns_mode'
check_local "parameter"

echo "options vsock child_ns_mode=local" >/etc/modprobe.d/test.conf
load_loopback
check_local "modprobe.d"
rm /etc/modprobe.d/test.conf

sed 's/$/ vsock.child_ns_mode=local/' /proc/cmdline >/run/cmdline
mount --bind /run/cmdline /proc/cmdline
load_vsock
check_local "kernel command line"
umount /proc/cmdline

modprobe vsock child_ns_mode=local
fails "an old namespace made local is as local as any" ns_sysctl early2 child_ns_mode global
is "$(modes early2)" "local local 1" "and stays so"
ok "unload" wait_until unload_all
ok "loaded from inside, with the parameter" ns_exec early2 modprobe vsock child_ns_mode=local
check_local "parameter, from inside"
ok "global is a value too" modprobe vsock child_ns_mode=global
is "$(modes early1)" "global global 1" "with it nothing is local"
ok "unload" wait_until unload_all

for value in "" Local locally both 1; do
	forget_messages
	fails "child_ns_mode='$value' is refused" modprobe vsock "child_ns_mode=$value"
	is "$(messages | wc -l)" 1 "child_ns_mode='$value': in one line"
	like "$(messages)" "child_ns_mode" "child_ns_mode='$value': which says what is wrong"
	fails "child_ns_mode='$value': no module" module_loaded vsock
	fails "child_ns_mode='$value': no sysctls" test -e /proc/sys/net/vsock
	fails "child_ns_mode='$value': no device" test -e /dev/vsock
done
ok "after that it loads" modprobe vsock_loopback
is "$("$tool" pair)" ok "and works"
ok "unload" wait_until unload_all

# A vsock that is not ours.
ok "the stock vsock" insmod "$STOCK_MODULES/vsock.ko"
forget_messages
fails "our loopback refuses it" insmod "/lib/modules/$(uname -r)/updates/dkms/vsock_loopback.ko"
is "$(messages | wc -l)" 1 "in one line"
like "$(messages)" "vsock_loopback: .*vsock" "which says who, and about what"
fails "and is not there" module_loaded vsock_loopback
ok "the stock one goes" rmmod vsock
ok "and with ours it loads" modprobe vsock_loopback
is "$("$tool" pair)" ok "and works"

done_testing
