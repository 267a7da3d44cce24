# SPDX-License-Identifier: GPL-2.0-only
# Sourced by guest: what the demo shows. Each scenario names the results to expect: on the stock modules, and on ours.
# shellcheck shell=bash disable=SC2154  # $said and others are those of stage.sh

absent="No such file or directory"
reset="Connection reset by peer"
knob=/proc/sys/net/vsock/child_ns_mode

play() {
	prepare "ip netns add old"

	scenario "A listens in a new namespace, B calls from outside" hello hello
	namespace_and_host
	scenario "The same in two containers (crun is the runtime that Podman uses)" hello hello
	containers

	scenario "From now on, new namespaces shall be local" "$absent" "done"
	run "echo local > $knob"
	verdict
	scenario "A namespace tells its mode" "$absent" local
	run "ip netns add n"
	run "ip netns exec n cat /proc/sys/net/vsock/ns_mode"
	verdict
	scenario "A in a new namespace, B outside, as in 1" hello "$reset"
	namespace_and_host
	scenario "Two new containers, as in 2" hello "$reset"
	containers
	scenario "A namespace from before has stayed global" hello hello
	listen A "ip netns exec old ncat --vsock -l 1234" hello
	call B "ncat --vsock 1 1234"
	verdict

	scenario "Two new namespaces listen on the same port" "Address already in use" "both listen"
	prepare "ip netns add m"
	listen N "ip netns exec n ncat --vsock -k -l 1234 -c 'echo here is N'"
	listen M "ip netns exec m ncat --vsock -k -l 1234 -c 'echo here is M'"
	[ "$result" != "(listens)" ] || result="both listen"
	verdict stay
	scenario "Who answers inside n, and inside m" "here is N, here is N" "here is N, here is M"
	call B "ip netns exec n ncat --vsock 1 1234"
	first=$result
	call C "ip netns exec m ncat --vsock 1 1234"
	result="$first, $result"
	verdict stay
	scenario "Who answers outside of both" "here is N" "$reset"
	call B "ncat --vsock 1 1234"
	verdict stay
	scenario "ss lists the sockets of a namespace" "one listens" "one listens"
	run "ip netns exec n ss --vsock --listening --no-header"
	[ "$(grep -c 'LISTEN.*:1234 ' <<<"$said")" != 1 ] || result="one listens"
	verdict

	scenario "The choice is final: no other value" "$absent" "Device or resource busy"
	run "sysctl net.vsock.child_ns_mode=global"
	verdict
	scenario "A local namespace has no global children" "$absent" "Operation not permitted"
	run "ip netns exec n sysctl net.vsock.child_ns_mode=global"
	verdict
	scenario "Not even root changes a namespace's mode" "$absent" "Permission denied"
	run "echo global > /proc/sys/net/vsock/ns_mode"
	verdict

	machines

	tell ""
	for name in old n m; do
		prepare "ip netns delete $name"
	done
}

namespace_and_host() {
	listen A "unshare --user --net ncat --vsock -l 1234" hello
	call B "ncat --vsock 1 1234"
	verdict
}

# Each container has namespaces of its own; its files are this machine's.
containers() {
	local name
	for name in one two; do
		container_bundle /tmp/$name
		prepare "crun run --detach --bundle /tmp/$name $name"
	done
	listen A "crun exec one sh -c 'echo hello | ncat --vsock -l 1234'" "" "$(container_pid one)"
	call B "crun exec two ncat --vsock 1 1234"
	verdict
	crun delete --force one &
	crun delete --force two
	wait $!
}

# container_bundle DIRECTORY: crun's example of a configuration, without its terminal, and with something to do until the end.
container_bundle() {
	if [ ! -e "$1" ]; then
		mkdir -p "$1/rootfs"
		mount --bind / "$1/rootfs"
		(cd "$1" && crun spec)
		sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sleep", "infinity"/' "$1/config.json"
	fi
}

container_pid() {
	crun state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}
