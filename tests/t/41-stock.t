#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock modules on our vsock: vhost_vsock, the virtio guest transport, vsock_diag with ss, vsockmon, and the stock
# loopback as a transport that we have the other end of. All of them belong to the global namespaces.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
# vm: timeout=600
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool

# hold NAME COMMAND…: a vsock-tool that keeps something open until let_go NAME; its words come in $answer.
declare -A holder holder_pid
hold() {
	rm -f "/run/$1.in" "/run/$1.out"
	mkfifo "/run/$1.in"
	# Not ours to inherit: another one's end would not come before that of this one.
	(
		for name in "${!holder[@]}"; do
			eval "exec ${holder[$name]}>&-"
		done
		"${@:2}"
	) <"/run/$1.in" >"/run/$1.out" &
	holder_pid[$1]=$!
	exec {fd}>"/run/$1.in"
	holder[$1]=$fd
	wait_until test -s "/run/$1.out"
	answer=$(cat "/run/$1.out")
}

let_go() {
	local fd=${holder[$1]}
	unset "holder[$1]"
	exec {fd}>&-
	wait "${holder_pid[$1]}"
	answer=$(tail -n 1 "/run/$1.out")
}

load_loopback
ns_new global
ns_new local local

# ---- ss, by vsock_diag: "STATE LOCAL PEER" of each socket, sorted.
sockets() {
	ns_exec "$1" ss --vsock -a -n -H | awk '{ print $2, $5, $6 }' | sort | paste -s -d ,
}

is "$(sockets "")" "" "ss: no socket yet"
hold listener "$tool" listen 1234
hold bound "$tool" bind 77
is "$(sockets "")" "LISTEN *:1234 *:*,UNCONN *:77 *:*" "ss: a listener and a bound socket"
is "$(sockets local)" "" "ss: of init; a local namespace has none"
is "$(sockets global)" "" "ss: nor has another global one"
let_go bound
let_go listener
for type in stream seqpacket; do
	hold connection "$tool" hold $type
	like "$(sockets "")" '^ESTAB \*:([0-9]+) 1:([0-9]+),ESTAB 1:[0-9]+ 1:[0-9]+$' "ss: a $type connection"
	is "$(sockets "" | sed -E 's/^ESTAB \*:([0-9]+) 1:([0-9]+),ESTAB 1:\2 1:\1$/matching/')" matching \
		"ss: whose ends know each other"
	let_go connection
done
hold listener ns_exec local "$tool" listen 1234
is "$(sockets local)" "LISTEN *:1234 *:*" "ss: a listener in a local namespace"
is "$(sockets "")" "" "ss: which init does not see"
let_go listener
wait_until test -z "$(sockets "")"
is "$(sockets "")" "" "ss: nothing is left"

# ---- vsockmon
if modinfo -n vsockmon >/dev/null 2>&1; then
	ok "vsockmon: a device" ip link add tap0 type vsockmon
	ok "vsockmon: is up" ip link set tap0 up
	fails "vsockmon: stays while it has a device" modprobe -r vsockmon

	# What its device shows of a loopback connection in a namespace: a tap there, and the connection's own words.
	watch_of() {
		local device=$1 namespace=$2
		shift 2
		hold tap ns_exec "$device" "$tool" tap "tap${device:-0}"
		said=$(ns_exec "$namespace" "$tool" "$@")
		let_go tap
	}
	closed="disconnect 2 control 0"
	nothing="connect 0 disconnect 0 control 0 payload 0 bytes 0 eom 0 eor 0"
	ip -n local link add taplocal type vsockmon
	ip -n global link add tapglobal type vsockmon
	ip -n local link set taplocal up
	ip -n global link set tapglobal up
	for type in stream seqpacket; do
		case $type in
		stream) eom="eom 0 eor 0" ;;
		*) eom="eom 2 eor 0" ;;
		esac
		watch_of "" "" pair $type
		is "$answer" "connect 2 $closed payload 2 bytes 2 $eom" "vsockmon: $type, a byte and its echo"
		is "$said" ok "vsockmon: $type, which arrived"
		watch_of "" global pair $type
		is "$answer" "connect 2 $closed payload 2 bytes 2 $eom" "vsockmon: $type in another global namespace"
		watch_of global "" pair $type
		is "$answer" "connect 2 $closed payload 2 bytes 2 $eom" "vsockmon: $type, seen from there"
		watch_of "" local pair $type
		is "$answer" "$nothing" "vsockmon: $type in a local namespace is not for init"
		watch_of local local pair $type
		is "$answer" "connect 2 $closed payload 2 bytes 2 $eom" "vsockmon: $type but for a device there"
		watch_of local "" pair $type
		is "$answer" "$nothing" "vsockmon: $type which sees nothing of init"
	done
	watch_of "" "" connect 1 4242
	is "$said: $answer" "ECONNRESET: connect 1 disconnect 1 control 0 payload 0 bytes 0 eom 0 eor 0" \
		"vsockmon: a refused connection"
	watch_of "" "" push stream 307200
	like "$said: $answer" "^ok: connect 2 $closed payload [5-9] bytes 307200 eom 0 eor 0\$" \
		"vsockmon: every byte of a long stream"
	watch_of "" "" push seqpacket 200000
	is "$said: $answer" "ok: connect 2 $closed payload 4 bytes 200000 eom 1 eor 1" \
		"vsockmon: a long message in parts, the last of which ends message and record"

	# A capture tool knows the device, and gets as many frames.
	# shellcheck disable=SC2317 # called by wait_until
	captured() { tcpdump -r /run/tap.pcap --count 2>/dev/null; }
	# shellcheck disable=SC2317
	captures() { [ "$(captured)" = "$1" ]; }
	tcpdump -i tap0 --immediate-mode -U -w /run/tap.pcap -Z root 2>/run/tap.log &
	capture=$!
	ok "vsockmon: tcpdump listens" wait_until grep "listening on tap0, link-type VSOCK" /run/tap.log
	"$tool" pair >/dev/null
	wait_until captures "6 packets"
	kill -INT $capture
	wait $capture
	is "$(captured)" "6 packets" "vsockmon: tcpdump writes a connection's six frames"
	ip -n local link delete taplocal
	ip -n global link delete tapglobal
	ok "vsockmon: the device goes" ip link delete tap0
	ok "vsockmon: and the module" modprobe -r vsockmon
fi

# ---- vhost_vsock: guests' devices; nobody runs behind them.
connect() { "$tool" --timeout 300 connect "$@"; }
ok "vhost: loads" load_stock_vhost
is "$("$tool" cid)" 2 "vhost: we are CID 2"
is "$("$tool" pair stream 2)" ok "vhost: which is loopback still"
is "$("$tool" vhost 2 </dev/null)" EINVAL "vhost: no guest has CID 2"
is "$("$tool" vhost 0x100000003 </dev/null)" EINVAL "vhost: nor one of more than 32 bits"
hold guest "$tool" vhost 42
is "$answer" ok "vhost: a guest with CID 42"
is "$("$tool" vhost 42 </dev/null)" EADDRINUSE "vhost: there is one only"
for type in stream seqpacket; do
	case $type in
	stream) nobody=ENODEV silent=ETIMEDOUT ;;
	*) nobody=ESOCKTNOSUPPORT silent=ESOCKTNOSUPPORT ;;
	esac
	is "$(connect 43 1 $type)" $nobody "vhost: $type to a CID that no guest has"
	is "$(connect 42 1 $type)" $silent "vhost: $type to a guest that does not run"
	is "$(ns_exec global "$tool" --timeout 300 connect 42 1 $type)" $silent "vhost: $type from a global namespace"
	is "$(ns_exec local "$tool" --timeout 300 connect 42 1 $type)" $nobody "vhost: $type from a local namespace"
	is "$("$tool" pair $type)" ok "vhost: loopback goes on beside it"
	is "$(ns_exec local "$tool" pair $type)" ok "vhost: in a local namespace too"
done
fails "vhost: stays while it has a guest" rmmod vhost_vsock
let_go guest
is "$("$tool" vhost 42 </dev/null)" ok "vhost: the CID is free again"
ok "vhost: goes" wait_until modprobe -r vhost_vsock
is "$("$tool" cid)" 1 "vhost: and with it CID 2"
is "$(connect 42 1)" ENODEV "vhost: and all guests"

# ---- The guest transport, with no device behind it: CIDs are the host's business then, of global namespaces only.
ok "virtio: loads" modprobe vmw_vsock_virtio_transport
is "$("$tool" pair)" ok "virtio: CID 1 is loopback still"
is "$(ns_exec local "$tool" pair)" ok "virtio: in a local namespace too"
for cid in 0 2 55; do
	is "$(connect $cid 1)" ENODEV "virtio: stream to CID $cid"
	is "$(connect $cid 1 seqpacket)" ESOCKTNOSUPPORT "virtio: seqpacket to CID $cid"
	is "$(ns_exec global "$tool" connect $cid 1)" ENODEV "virtio: stream to CID $cid from a global namespace"
	is "$(ns_exec local "$tool" connect $cid 1)" ENETUNREACH "virtio: stream to CID $cid from a local namespace"
	is "$(ns_exec local "$tool" connect $cid 1 seqpacket)" ESOCKTNOSUPPORT "virtio: seqpacket from a local namespace"
done
ns_sysctl "" g2h_fallback 0
ns_sysctl local g2h_fallback 0
is "$(connect 55 1)" ENODEV "virtio: without fallback no guest is the host's business"
is "$(ns_exec local "$tool" connect 55 1)" ENODEV "virtio: in a local namespace neither"
is "$(ns_exec local "$tool" connect 2 1)" ENETUNREACH "virtio: but CID 2 is"
ns_sysctl "" g2h_fallback 1
ok "virtio: goes" wait_until modprobe -r vmw_vsock_virtio_transport
is "$("$tool" pair stream 2)" ok "virtio: and CID 2 is loopback again"

# ---- Datagrams, which of all transports only VMCI's has, in global namespaces.
is "$("$tool" socket dgram)" ENODEV "datagrams: none"
if modprobe vmw_vsock_vmci_transport 2>/dev/null; then
	is "$("$tool" socket dgram)" ok "datagrams: with VMCI"
	is "$(ns_exec local "$tool" socket dgram)" ENODEV "datagrams: not in a local namespace"
	ok "datagrams: VMCI goes" wait_until modprobe -r vmw_vsock_vmci_transport
	is "$("$tool" socket dgram)" ENODEV "datagrams: none again"
fi
ok "everything unloads" wait_until unload_all

done_testing
