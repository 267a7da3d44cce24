#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The modules load, they are ours, and two programs that know nothing of us talk over CID 1.
# shellcheck disable=SC2317  # functions are called through wait_until
set -uo pipefail
. tests/lib/guest.sh

load_vsock
load_loopback
load_vhost
for module in vsock vsock_loopback vhost_vsock; do
	ok "$module is loaded" module_loaded $module
	if native; then
		skip "the kernel's own modules" "$module is ours"
	else
		version=$(sed -n 's/^PACKAGE_VERSION="\?\([^"]*\)"\?$/\1/p' dkms.conf)
		is "$(cat /sys/module/$module/version)" "$version" "$module is ours"
	fi
done
is "$(cat /proc/sys/net/vsock/ns_mode)" global "init's namespace is global"

# One connection, both directions, each side with its own words.
work=$(mktemp -d)
ncat --vsock -l 1234 <<<"hello from the listener" >"$work/listener" &
listener=$!
connect() {
	ncat --vsock 1 1234 <<<"hello from the caller" >"$work/caller"
}
wait_until connect
wait $listener
is "$?" 0 "the listener ends well"
is "$(cat "$work/caller")" "hello from the listener" "the caller hears the listener"
is "$(cat "$work/listener")" "hello from the caller" "the listener hears the caller"

# Time enough on both sides for what is still under way when one direction has ended.
socat -t 60 VSOCK-LISTEN:1235,fork EXEC:/bin/cat &
listener=$!
echo_once() {
	socat -t 60 - VSOCK-CONNECT:1:1235 <<<"there and back"
}
wait_until echo_once
is "$(echo_once)" "there and back" "socat gets its own words back"
kill $listener
wait $listener

ok "the modules unload" unload_all
done_testing
