#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the documentation promises of virtual machines: who reaches one, by the namespace that QEMU was started in.
# nested: 6.1
# kernels: 6.12 7.3
# vm: mem=2G timeout=600
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/nested.sh

tool=$TESTBIN/vsock-tool

# calls NAMESPACE CID: who answers, or the error.
calls() {
	local answer
	answer=$(ns_exec "$1" "$tool" connect "$2" 1234)
	if [ "$answer" = ok ]; then
		ns_exec "$1" socat -u "VSOCK-CONNECT:$2:1234" STDOUT </dev/null
	else
		echo "$answer"
	fi
}

start() { # start NAME NETNS: with CID 42
	ok_here "$1: QEMU starts in the namespace ${2:-of init}" guest_resume "$1" 6.1 42 "$2"
	ok "$1: answers there" guest_wait_ready "$1"
	ok "$1: is told its name" guest_traffic "$1" order "name $1"
}

modprobe vhost_vsock || bail "vhost_vsock does not load"
ns_new global
ns_new one local
ns_new two local
trap '[ $? = 0 ] || guest_explain first second third' EXIT

is "$(calls "" 42)" ENODEV "no guest yet"
start first one
is "$(calls one 42)" "here is first" "a guest in a local namespace is reached from inside"
is "$(calls "" 42)" ENODEV "not from init"
is "$(calls global 42)" ENODEV "nor from a global one"
is "$(calls two 42)" ENODEV "nor from another local one"

# Two listeners on one port: the guest's calls come to the one beside it.
mkfifo /run/idle
exec 7<>/run/idle
"$tool" listen 5000 <&7 >/run/init.listener &
listener=$!
wait_until grep -q ok /run/init.listener
is "$(guest_traffic first order "call stream 5000 drop")" ECONNRESET "it does not reach a listener in init"
ok "but one in its namespace" guest_traffic first to-guest 100000 call

start second global
is "$(calls "" 42)" "here is second" "CID 42 once more, in a global namespace: it is reached from init"
is "$(calls global 42)" "here is second" "and from its own namespace"
is "$(calls one 42)" "here is first" "the local one goes on"
is "$(calls two 42)" ENODEV "the other local one has none still"
is "$(guest_traffic second order "call stream 5000 drop")" ok "its calls reach init"
kill $listener

start third two
is "$(calls one 42), $(calls two 42)" "here is first, here is third" "two local namespaces side by side"
is "$(calls "" 42)" "here is second" "init's calls come to the global one"

fails "a second one in a global namespace is refused" guest_start fourth 6.1 42 "" -S
like "$(<"$(guest_dir fourth)/qemu")" "unable to set guest cid: Address already in use" "in QEMU's own words"
fails "also in the namespace of the first" guest_start fourth 6.1 42 global -S
fails "and in a local one that has it" guest_start fourth 6.1 42 one -S
fails "the CID that means any is nobody's" guest_start fourth 6.1 4294967295 "" -S

guest_kill second
is "$(calls "" 42)" ENODEV "the global one killed: init reaches none"
is "$(calls one 42), $(calls two 42)" "here is first, here is third" "the local ones are as before"
ok_here "CID 42 is free for the next global one" guest_start fourth 6.1 42 "" -S
guest_kill fourth

guest_kill third
ns_delete one
ok "a guest outlives the name of its namespace" guest_status first query-status running
guest_kill first

done_testing
