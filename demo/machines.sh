# SPDX-License-Identifier: GPL-2.0-only
# Sourced by guest: what the demo shows of virtual machines, after scenarios.sh has made the namespaces old, n and m.
# shellcheck shell=bash disable=SC2154  # $said and others are those of stage.sh

in_use="Address already in use"
no_guest="No such device"

machines() {
	prepare "modprobe vhost_vsock"
	scenario "A virtual machine with CID 42 in the namespace from before, called from outside" "here is one" "here is one"
	run "ip netns exec old demo/vm one 42"
	call B "ncat --vsock 42 1234"
	verdict
	scenario "A second one with CID 42, outside" "$in_use" "$in_use"
	run "demo/vm two 42"
	verdict
	prepare "demo/vm off"

	scenario "A virtual machine in a new namespace, called from outside" "here is one" "$no_guest"
	run "ip netns exec n demo/vm one 42"
	call B "ncat --vsock 42 1234"
	verdict
	scenario "The same one, called from inside" "here is one" "here is one"
	call B "ip netns exec n ncat --vsock 42 1234"
	verdict
	scenario "A second one with CID 42 in another new namespace" "$in_use" runs
	run "ip netns exec m demo/vm two 42"
	verdict
	scenario "Who answers inside n, and inside m" "here is one, here is one" "here is one, here is two"
	call B "ip netns exec n ncat --vsock 42 1234"
	first=$result
	call C "ip netns exec m ncat --vsock 42 1234"
	result="$first, $result"
	verdict
	prepare "demo/vm off"
}
