#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading: every module of the family in many orders, on our vsock, while nothing and while much goes on.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
# vm: smp=2
# shellcheck disable=SC2317  # functions are called through wait_until
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool

# The ones that this kernel has; hv_sock needs a bus that only Hyper-V has, and is tried on its own below.
family=()
for module in vsock_loopback vhost_vsock vmw_vsock_virtio_transport vsock_diag vsockmon vmw_vsock_vmci_transport; do
	if modinfo -n "$module" >/dev/null 2>&1; then
		family+=("$module")
	else
		skip "not in this kernel" "$module"
	fi
done

complaints() { dmesg | grep -E 'vsock.*(disagrees about version|Unknown symbol)'; }

# What modprobe -r leaves of a module's dependencies goes too, in whatever way it can.
unload_everything() {
	wait_until unload_all && ! module_loaded vsock
}

# hold WORD…: vsock-tool that keeps something open, and its answer; let_go ends it, with its last word.
hold() {
	rm -f /run/hold.in /run/hold.out
	mkfifo /run/hold.in /run/hold.out
	"$tool" "$@" </run/hold.in >/run/hold.out &
	holder=$!
	exec 8>/run/hold.in 9</run/hold.out
	read -r -u 9 answer
}

let_go() {
	exec 8>&-
	read -r -u 9 answer || answer=ended
	exec 9<&-
	wait $holder
}

for module in "${family[@]}"; do
	ok "$module loads" modprobe "$module"
	ok "$module brought vsock" module_loaded vsock
	ok "$module unloads" modprobe -r "$module"
	ok "nothing is left after $module" unload_everything
done

# Rotations of the list, unloaded in the order that they were loaded in, and in the opposite one.
for first in "${!family[@]}"; do
	order=("${family[@]:first}" "${family[@]:0:first}")
	ok "loaded in the order ${order[*]}" modprobe -a "${order[@]}"
	is "$("$tool" pair)" ok "connections work"
	if ((first % 2)); then
		reverse=()
		for module in "${order[@]}"; do
			reverse=("$module" "${reverse[@]}")
		done
		order=("${reverse[@]}")
	fi
	ok "unloaded in the order ${order[*]}" modprobe -r "${order[@]}"
	ok "nothing is left" unload_everything
done
is "$(complaints)" "" "no symbol was missing, none had another version"

if modinfo -n hv_sock >/dev/null 2>&1; then
	modprobe hv_sock 2>/dev/null
	is "$(complaints)" "" "hv_sock finds nothing wrong with our vsock"
	modprobe -r -q hv_sock
fi

# In use: by a connection, by a listener, by a socket that is nothing yet.
modprobe vsock_loopback
for what in "hold stream" "hold seqpacket"; do
	# shellcheck disable=SC2086  # words
	hold $what
	is "$answer" ok "$what: a connection"
	fails "$what: loopback stays" rmmod vsock_loopback
	fails "$what: vsock stays" rmmod vsock
	let_go
	is "$answer" ok "$what: it still works after that"
	ok "$what: loopback goes with it" wait_until rmmod vsock_loopback
	ok "$what: and comes again" modprobe vsock_loopback
done
for what in "listen 1234 stream" "bind 1234 seqpacket"; do
	# shellcheck disable=SC2086  # words
	hold $what
	is "$answer" ok "$what"
	ok "$what: loopback goes all the same" wait_until rmmod vsock_loopback
	fails "$what: vsock stays" rmmod vsock
	is "$("$tool" connect 1 1234)" ENODEV "$what: without loopback CID 1 is nowhere"
	ok "$what: loopback comes" modprobe vsock_loopback
	case $what in
	listen*) want=ok ;;
	*) want=ECONNRESET ;;
	esac
	is "$("$tool" connect 1 1234)" "$want" "$what: and then its address is known again"
	let_go
done
ok "everything unloads" unload_everything

# Whatever the order, sockets go on meanwhile: some connects find no transport, nothing else goes wrong.
modprobe vsock_loopback
"$tool" churn >/run/churn.out 2>/run/churn.err &
churn=$!
busy=0 gone=0
for _ in 1 2; do
	for module in "${family[@]}"; do
		modprobe "$module"
		if modprobe -r "$module" 2>/dev/null; then
			gone=$((gone + 1))
		else
			busy=$((busy + 1))
		fi
	done
	# Bare rmmod: nothing but this one module is tried. There are moments at which nobody has a socket.
	for _ in 1 2 3 4 5 6; do
		rmmod vsock_loopback 2>/dev/null && gone=$((gone + 1))
		rmmod vsock 2>/dev/null && gone=$((gone + 1))
		modprobe vsock_loopback
	done
done
kill -TERM $churn
wait $churn
is $? 0 "sockets churned all the time, and connections were right"
diag "while sockets churned: $gone unloads, $busy refused; $(cat /run/churn.out /run/churn.err)"
ok "some unload worked" test $gone -gt 0
ok "everything unloads" unload_everything
# Here a symbol may well be missing: vsock is removed between the two halves of a load that a new socket asked for.
is "$(complaints | grep -v 'Unknown symbol')" "" "no symbol had another version"

done_testing
