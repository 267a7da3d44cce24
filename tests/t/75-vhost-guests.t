#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Virtual machines with distribution kernels and their own virtio driver, in QEMU, against vhost_vsock: data both ways,
# connections that end in every manner, and machines that are reset, moved and killed.
# nested: 6.1 7.3
# only when named
# vm: smp=2 mem=2G timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/nested.sh

tool=$TESTBIN/vsock-tool
mib=$((1 << 20))

modprobe vhost_vsock || bail "vhost_vsock does not load"

# Two emulators on top of each other boot a kernel in minutes: on every other host than these two a state goes on.
boots="" much=64
case ${KERNEL:?} in
6.1 | 7.3) boots=yes ;;
debug) much=8 ;;
esac

exchange() { # exchange GUEST WORDS MEASURE…: one point
	ok "$1: $2" guest_traffic "$1" "${@:3}"
}

data() {
	exchange "$1" "$much MiB to the guest" to-guest $((much * mib))
	exchange "$1" "$much MiB from the guest" from-guest $((much * mib))
	exchange "$1" "the guest connects, 8 MiB to it" to-guest $((8 * mib)) call
	exchange "$1" "the guest connects, 8 MiB from it" from-guest $((8 * mib)) call
	exchange "$1" "messages and records to the guest" messages-to-guest 150
	exchange "$1" "messages and records from the guest" messages-from-guest 150
	exchange "$1" "the guest connects, messages to it" messages-to-guest 50 call
	exchange "$1" "the guest connects, messages from it" messages-from-guest 50 call
}

connections() {
	exchange "$1" "200 connections at once" many 200
	exchange "$1" "200 connections of the guest at once" many 200 call
	exchange "$1" "half closed, by each side" half-close $mib
	exchange "$1" "the guest connects, half closed" half-close $mib call
	exchange "$1" "nobody listens" refused
	exchange "$1" "the guest closes while we send" drop
	exchange "$1" "the guest connects, and closes while we send" drop call
}

declare -A watcher
watch() { # watch GUEST: connections whose end is in /run/held.GUEST
	guest_traffic "$1" hold 20 >"/run/held.$1" &
	watcher[$1]=$!
	wait_until grep -q ok "/run/held.$1" || bail "$1: no connections to hold"
}

seen() { # seen GUEST WORDS [ERROR]: how they have ended
	wait "${watcher[$1]}"
	is "$(tail -n 1 "/run/held.$1")" "20 ${3:-ECONNRESET}" "$1: $2"
}

# The rest of what a reset is to be followed by, when the guest had time to boot.
comes_back() {
	ok "$1: boots again after a reset" guest_wait_booted "$1"
	# The device has not gone: the guest, which knows nothing of them, has ended them, like one that closes them.
	seen "$1" "its connections from before have ended" "no error"
	ok "$1: answers again" guest_wait_ready "$1"
	exchange "$1" "8 MiB to the guest after that" to-guest $((8 * mib))
	exchange "$1" "8 MiB from the guest after that" from-guest $((8 * mib))
}

# moves GUEST KERNEL CID: to a second QEMU, while data flows. That can have the CID when the first has let go of it.
moves() {
	local name=$1 kernel=$2 cid=$3 flow
	watch "$name"
	guest_traffic "$name" flow >/run/flow 2>&1 &
	flow=$!
	fails "$name: a second QEMU does not get its CID" guest_start second "$kernel" "$cid" "" -S
	like "$(<"$(guest_dir second)/qemu")" "unable to set guest cid: Address already in use" "$name: and says why"
	ok "$name: saved while data flows" guest_save "$name" /run/saved
	guest_quit "$name"
	seen "$name" "saved, its connections are reset"
	wait $flow
	like "$(</run/flow)" "ECONNRESET|EPIPE" "$name: and the one that data flowed through"
	is "$("$tool" vhost "$cid" </dev/null)" ok "$name: its CID is free at once"
	ok_here "$name: goes on in another QEMU" guest_resume "$name" "$kernel" "$cid" "" /run/saved
	rm /run/saved
	ok "$name: answers from there" guest_wait_ready "$name"
	exchange "$name" "8 MiB to the guest there" to-guest $((8 * mib))
	exchange "$name" "8 MiB from the guest there" from-guest $((8 * mib))
	exchange "$name" "messages there" messages-to-guest 50
}

dies() {
	local cid=${guest_cid[$1]}
	watch "$1"
	guest_kill "$1"
	is "$("$tool" vhost "$cid" </dev/null)" ok "$1: killed, its CID is free at once"
	seen "$1" "killed, its connections are reset"
	is "$("$tool" connect "$cid" 1000)" ENODEV "$1: killed, nobody has its CID"
}

trap '[ $? = 0 ] || guest_explain old new' EXIT
if [ $boots ]; then
	ok_here "Linux 6.1: QEMU starts" guest_start old 6.1 42
else
	ok_here "Linux 6.1: QEMU goes on" guest_resume old 6.1 42
fi
ok_here "Linux 7.3: QEMU goes on" guest_resume new 7.3 4000000000
ok "new: gets a device while it runs" guest_wait_ready new
# On the other processor the other one boots meanwhile.
data new
connections new
if [ $boots ]; then
	watch new
	guest_reboot new
fi
[ -z $boots ] || ok "old: boots" guest_wait_booted old
ok "old: answers" guest_wait_ready old
data old
connections old
moves old 6.1 42
dies old
[ -z $boots ] || comes_back new
dies new

done_testing
