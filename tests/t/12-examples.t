#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the documentation promises, with the tools that it names: unshare, ip netns, sysctl, ncat, socat.
# shellcheck disable=SC2317  # functions are called through wait_until
set -uo pipefail
. tests/lib/guest.sh

load_loopback
listen() { # listen COMMAND…: a server that says hello, in a namespace that COMMAND… makes
	rm -f /run/server.out
	echo hello | "$@" ncat --vsock -l 1234 >/run/server.out 2>&1 &
	server=$!
	# It listens as soon as somebody is refused no more; ss tells without connecting, but in its namespace alone.
	wait_until listens $server
}

# The process, or a child of it, has a listening socket: it waits in poll or select, with nothing else to do.
listens() {
	local pid
	for pid in "$1" $(pgrep -P "$1"); do
		[ "$(cat "/proc/$pid/comm")" = ncat ] && grep -q -E 'poll|select' "/proc/$pid/stack" && return
	done
	return 1
}

hang_up() {
	kill $server $(pgrep -P $server) 2>/dev/null
	wait $server 2>/dev/null
}

is "$(sysctl -n net.vsock.ns_mode)" global "sysctl: init's mode"
is "$(sysctl -n net.vsock.child_ns_mode)" global "sysctl: its children's"
is "$(sysctl -n net.vsock.g2h_fallback)" 1 "sysctl: fallback"
ip netns add before
is "$(ip netns exec before cat /proc/sys/net/vsock/ns_mode)" global "a namespace's mode"

listen unshare --user --net
is "$(ncat --vsock 1 1234 </dev/null)" hello "a user's global namespace is reached from init"
hang_up
listen ip netns exec before
is "$(ncat --vsock 1 1234 </dev/null)" hello "a named global namespace is reached from init"
hang_up
listen env
is "$(ip netns exec before ncat --vsock 1 1234 </dev/null)" hello "init is reached from there"
hang_up
listen env
is "$(socat -u VSOCK-CONNECT:1:1234 STDOUT </dev/null)" hello "socat is no other"
hang_up

echo local >/proc/sys/net/vsock/child_ns_mode
is "$(sysctl -n net.vsock.child_ns_mode)" local "child_ns_mode is local now"
fails "and stays so" sysctl -w net.vsock.child_ns_mode=global
fails "and ns_mode cannot be written" sh -c 'echo local >/proc/sys/net/vsock/ns_mode'
ip netns add after
ip netns add other
is "$(ip netns exec after cat /proc/sys/net/vsock/ns_mode)" local "a new namespace is local"
is "$(ip netns exec before cat /proc/sys/net/vsock/ns_mode)" global "an old one is what it was"
is "$(unshare --user --net cat /proc/sys/net/vsock/ns_mode)" local "a user's is local too"

listen unshare --user --net
like "$(ncat --vsock 1 1234 </dev/null 2>&1)" "Connection reset by peer" "a user's local namespace is not reached from init"
ok "its listener waits on" listens $server
hang_up
listen ip netns exec after
like "$(ncat --vsock 1 1234 </dev/null 2>&1)" "Connection reset by peer" "nor is a named one"
like "$(ip netns exec other ncat --vsock 1 1234 </dev/null 2>&1)" "Connection reset by peer" "nor from another one"
like "$(ip netns exec before ncat --vsock 1 1234 </dev/null 2>&1)" "Connection reset by peer" "nor from an old global one"
is "$(ip netns exec after ncat --vsock 1 1234 </dev/null)" hello "but from inside"
hang_up
listen env
like "$(ip netns exec after ncat --vsock 1 1234 </dev/null 2>&1)" "Connection reset by peer" "init is not reached from a local one"
is "$(ip netns exec before ncat --vsock 1 1234 </dev/null)" hello "but from an old global one"
hang_up

# A file that is larger than any buffer, through a local namespace.
head -c 3000000 /dev/urandom >/run/data
ip netns exec after ncat --vsock -l 1234 --recv-only </dev/null >/run/copy &
server=$!
wait_until listens $server
ip netns exec after socat -u OPEN:/run/data VSOCK-CONNECT:1:1234
wait $server
is "$(sha256sum </run/copy)" "$(sha256sum </run/data)" "a large file arrives whole"

done_testing
