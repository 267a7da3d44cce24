# SPDX-License-Identifier: GPL-2.0-only
# Sourced by guest: what the demo shows of a sibling, a virtual machine beside this one under the same hypervisor
# (tests/siblings/bed.sh), while this one is a host itself.
# shellcheck shell=bash disable=SC2154  # $no_guest: machines.sh

# The stock modules keep connections to a virtual machine that was killed for some seconds.
vhost_is_free() { [ "$(cat /sys/module/vhost_vsock/refcnt 2>/dev/null || echo 0)" = 0 ]; }

siblings() {
	tell ""
	wait_until vhost_is_free
	prepare "modprobe vmw_vsock_virtio_transport"
	prepare "modprobe -q -r vhost_vsock"
	scenario "A sibling: a virtual machine beside this one, CID 4 of the same hypervisor" "B sees 3" "B sees 3"
	call A "ncat --vsock 4 1234"
	verdict
	prepare "modprobe vhost_vsock"
	scenario "The same, once this one can have guests itself" "$no_guest" "B sees 3"
	call A "ncat --vsock 4 1234"
	verdict
	scenario "Only guests of its own shall be reached" "$no_guest" "$no_guest"
	run "sysctl net.vsock.g2h_fallback=0"
	call A "ncat --vsock 4 1234"
	verdict
}
