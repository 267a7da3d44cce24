#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Machine A of the sibling bed: who answers where, in each situation, beside answers.tsv. Every answer is a check of its own.
set -uo pipefail
. tests/lib/guest.sh

siblings=$TESTBIN/siblings
driver=/sys/bus/virtio/drivers/vmw_vsock_virtio_transport

declare -A wanted
while IFS=$'\t' read -r question answer; do
	[[ $question = "#"* ]] || wanted[$question]=$answer
done <tests/siblings/answers.tsv

# judge WORD…: what the program measures, beside the table.
judge() {
	local question answer asked=0
	while IFS=$'\t' read -r question answer; do
		asked=$((asked + 1))
		is "$answer" "${wanted[$question]:-(not in the table)}" "$question: ${wanted[$question]:-}"
	done < <("$siblings" "$@")
	[ $asked -gt 0 ] || is "nothing" "answers" "$*"
}

# A guest transport that knows no namespaces is ours to check; a host transport that knows none is not.
has_h2g() { native || [ -e "/lib/modules/$(uname -r)/updates/dkms/vhost_vsock.ko" ]; }

# keep SITUATION: a connection to the sibling, over what follows; kept ends it and tells.
keep() {
	rm -f /run/keep.in /run/keep.out
	mkfifo /run/keep.in
	"$siblings" keep "$1" </run/keep.in >/run/keep.out &
	keeper=$!
	exec 7>/run/keep.in
	wait_until grep -q ready /run/keep.out
}
kept() {
	local question answer
	exec 7>&-
	wait $keeper
	IFS=$'\t' read -r question answer < <(sed 1d /run/keep.out)
	is "$answer" "${wanted[$question]:-(not in the table)}" "$question: ${wanted[$question]:-}"
}

load_vsock
ok "guest: the distribution's driver loads" modprobe vmw_vsock_virtio_transport
ok "guest: the sibling answers" "$siblings" wait
NOBODY_ANSWERS=1 judge reach "guest without loopback" 1
load_loopback
judge reach guest
is "$("$TESTBIN/vsock-tool" cid)" 3 "guest: our CID"
is "$("$TESTBIN/vsock-tool" connect 4 1 seqpacket)" ESOCKTNOSUPPORT "guest: the device has no messages"
judge incoming guest
judge transfer guest

if has_h2g; then
	ok "both: vhost_vsock loads" modprobe vhost_vsock
	judge reach both
	judge incoming both
	judge owned both
fi

keep "unload in use"
fails "unload: refused while there is a connection" rmmod vmw_vsock_virtio_transport
kept
device=$(cd "$driver" && echo virtio*)
echo "$device" >$driver/unbind
judge reach "driver without device"
echo "$device" >$driver/bind
ok "unload: the driver goes when nobody uses it" wait_until rmmod vmw_vsock_virtio_transport
if has_h2g; then
	judge reach host
	ok "unload: vhost_vsock goes" wait_until modprobe -r vhost_vsock
fi
judge reach "neither"
ok "unload: the driver comes again" modprobe vmw_vsock_virtio_transport
ok "unload: and the sibling answers" "$siblings" wait
judge incoming guest

keep "death of the hypervisor's side"
ok "death: asked for" "$siblings" kill
kept
is "$("$TESTBIN/vsock-tool" cid)" 3 "death: our CID stays"
NOBODY_ANSWERS=1 judge reach "after death"
# Packets that nobody takes any more hold their sockets until the device goes.
echo "$device" >$driver/unbind
ok "death: the driver goes" wait_until rmmod vmw_vsock_virtio_transport
ok "everything unloads" wait_until unload_all

done_testing
