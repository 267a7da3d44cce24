#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Transports that know only the stock interface, each like one of the stock ones (tests/modules), as guest and as host:
# every hook, routing, calls from the far side, unloading, and connects that race it.
# uses: test-modules
# kernels: 5.10 6.1 6.12 debug
# vm: timeout=900
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool
transports=$TESTBIN/transports
series=${KERNEL%%-*}
[ "$series" != debug ] || series=6.12
# Hooks that this kernel does not have.
case $series in
5.10) newer="seqpacket_dequeue seqpacket_enqueue seqpacket_has_data set_rcvlowat unsent_bytes read_skb" lowat=ok ;;
6.1) newer="unsent_bytes read_skb" lowat=EOPNOTSUPP ;;
*) newer="" lowat=EOPNOTSUPP ;;
esac
# Where SO_ZEROCOPY does not come as far as the family, the kernel refuses it in its own way.
case $series in
5.10) zerocopy=unknown no_zerocopy=unknown outq=EOPNOTSUPP ;;
6.1) zerocopy=EOPNOTSUPP no_zerocopy=EOPNOTSUPP outq=EOPNOTSUPP ;;
*) zerocopy=ok no_zerocopy=EOPNOTSUPP outq=ok ;;
esac

load() { insmod "$TEST_MODULES/$1.ko" "${@:2}"; }
# run WORD…: what the program says of it, in one line without the last space.
run() { "$transports" "$@" | sed 's/ *$//'; }
name() { ns_exec "$1" "$transports" name "${@:2}"; }

# called MODULE CID PORT [TYPE]: the far side calls a listener from there; what the listener says then.
called() {
	rm -f /run/called
	"$transports" called 1234 "${4:-stream}" >/run/called &
	wait_until grep -q listens /run/called
	echo "$2 $3 1234" >"/sys/module/$1/parameters/call"
	wait $!
	sed -n '2s/ *$//p' /run/called
}

# check_calls MODULE HOOK…: every hook was called but these; what began has ended.
check_calls() {
	local file=/sys/module/$1/parameters/calls
	is "$(sed -n 's/=0$//p' "$file" | sort | paste -s -d ' ')" "$(printf '%s\n' "${@:2}" | sort -u | paste -s -d ' ')" \
		"$1: every hook was called but those that it does not have"
	ok "$1: each init had its destruct" wait_until balanced "$1"
}
# shellcheck disable=SC2317 # called by wait_until
balanced() {
	[ "$(sed -n 's/^init=//p' "/sys/module/$1/parameters/calls")" = \
		"$(sed -n 's/^destruct=//p' "/sys/module/$1/parameters/calls")" ]
}

load_vsock
ns_new global
ns_new local local
load test_far_side
no_dgram="dgram_bind dgram_dequeue dgram_enqueue"
no_seqpacket="seqpacket_dequeue seqpacket_enqueue seqpacket_has_data"
talk="connect=ok poll=4 echo=ok late=ok waitall=ok big=ok"
ends="refused=ECONNRESET again=ok echo=ok noway=EHOSTUNREACH silent=ETIMEDOUT pending=EINPROGRESS connect=ok reset=ECONNRESET \
connect=ok ended=0"
bye="shutdown=ok end=0 after=EPIPE"

# ---- Like virtio's, in a guest.
ok "virtio: registers" load test_virtio
is "$("$tool" cid)" 3 "virtio: tells our CID"
fails "virtio: there is one guest transport at a time" load test_hyperv
is "$(run stream 2)" "$talk peek=ok inq=ok bytes=3 received=3 outq=$outq buffer=ok size=65536 lowat=ok zerocopy=$zerocopy $bye" \
	"virtio: a stream"
is "$(run ends 2)" "$ends" "virtio: connections that do not last"
if [ "$series" != 5.10 ]; then
	is "$(run seqpacket 2)" "connect=ok poll=4 echo=ok late=ok long=ok toolong=EMSGSIZE truncated=3 $bye" "virtio: messages"
	is "$(name "" 77 seqpacket)" "test_virtio at 77+flag" "virtio: messages by fallback"
	is "$(name local 2 seqpacket)" ESOCKTNOSUPPORT "virtio: messages, in a local namespace"
	echo 0 >/sys/module/test_virtio/parameters/seqpacket
	is "$(name "" 2 seqpacket)" ESOCKTNOSUPPORT "virtio: messages, when the device has none"
	echo 1 >/sys/module/test_virtio/parameters/seqpacket
else
	is "$(name "" 2 seqpacket)" ESOCKTNOSUPPORT "virtio: messages, on a kernel whose transports have none"
fi
if [ "$series" = 6.12 ]; then
	is "$(run sockmap 2)" "connect=ok update=ok echo=ok late=ok $bye" "virtio: through a sockmap's program, to the end"
fi
for cid in 0 1 2; do
	is "$(name "" $cid)" "test_virtio at $cid" "virtio: CID $cid is the host's, without loopback"
	is "$(name local $cid)" ENETUNREACH "virtio: CID $cid in a local namespace"
done
is "$(name "" 77)" "test_virtio at 77+flag" "virtio: another CID by fallback"
is "$(name global 77)" "test_virtio at 77+flag" "virtio: and in another global namespace"
is "$(name local 77)" ENETUNREACH "virtio: a local one does not get out"
ns_sysctl "" g2h_fallback 0
ns_sysctl local g2h_fallback 0
is "$(name "" 77)" ENODEV "virtio: without fallback no guest is there"
is "$(name "" 2)" "test_virtio at 2" "virtio: without fallback the host is"
is "$(name global 77)" "test_virtio at 77+flag" "virtio: the sysctl of the socket's own namespace counts"
is "$(name local 77)" ENODEV "virtio: in a local one too"
ns_sysctl "" g2h_fallback 1
ns_sysctl local g2h_fallback 1
is "$(called test_virtio 4 7)" "poll=ok accept=ok from=4:7+flag echo=ok $bye" "virtio: a sibling calls"
is "$(called test_virtio 2 7)" "poll=ok accept=ok from=2:7 echo=ok $bye" "virtio: the host calls"
[ "$series" = 5.10 ] || is "$(called test_virtio 4 7 seqpacket)" "poll=ok accept=ok from=4:7+flag echo=ok $bye" "virtio: with messages"
mkfifo /run/keep
ns_exec local "$tool" listen 1234 </run/keep >/run/listens &
exec 7>/run/keep
wait_until grep -q ok /run/listens
fails "virtio: who calls finds no listener in a local namespace" sh -c "echo 4 7 1234 >/sys/module/test_virtio/parameters/call"
exec 7>&-
wait
# shellcheck disable=SC2086  # words
check_calls test_virtio $no_dgram $newer
ok "virtio: goes" wait_until rmmod test_virtio
is "$(name "" 77)" ENODEV "virtio: and with it the way out"

# ---- Like VMCI's, in a guest.
ok "vmci: registers twice, first for datagrams" load test_vmci
is "$("$tool" cid)" 1234 "vmci: tells our CID"
is "$(run stream 2)" "$talk peek=ok inq=ok bytes=3 received=3 outq=EOPNOTSUPP buffer=ok size=200000 lowat=ok zerocopy=$no_zerocopy $bye" \
	"vmci: a stream"
is "$(run ends 2)" "$ends" "vmci: connections that do not last"
is "$(run dgram 2)" "bind=ok taken=EADDRINUSE any=ok resource=1 unaddressed=EINVAL send=ok poll=ok received=3 abc from=2:77 connect=ok \
send=ok truncated=2 empty=EAGAIN hypervisor=EINVAL free=ok" "vmci: datagrams"
is "$(ns_exec local "$tool" socket dgram)" ENODEV "vmci: no datagrams in a local namespace"
is "$(name "" 2 seqpacket)" ESOCKTNOSUPPORT "vmci: no messages"
is "$(name "" 1)" ENETUNREACH "vmci: CID 1 is not its business"
is "$(name "" 77)" ENODEV "vmci: fallback does not mean it, though it allows every CID"
is "$(name local 77)" ENODEV "vmci: in a local namespace neither"
is "$(called test_vmci 2 7)" "poll=ok accept=ok from=2:7 echo=ok $bye" "vmci: the host calls, with a handshake"
# Handshakes that are not ended count as calls that wait, until they are cleaned up.
mkfifo /run/silent
"$tool" listen 1234 </run/silent >/run/listens &
exec 7>/run/silent
wait_until grep -q ok /run/listens
for ((port = 0; port < 3; port++)); do
	ok "vmci: a handshake that never ends" sh -c "echo 2 21 1234 >/sys/module/test_vmci/parameters/call"
done
is "$("$tool" socket dgram)" ok "vmci: a socket more"
exec 7>&-
wait
# shellcheck disable=SC2086  # words
check_calls test_vmci cancel_pkt notify_buffer_size set_rcvlowat unsent_bytes read_skb $no_seqpacket
ok "vmci: goes" wait_until rmmod test_vmci
is "$("$tool" socket dgram)" ENODEV "vmci: and the datagrams"

# ---- Like Hyper-V's, which has no other role.
ok "hyperv: registers" load test_hyperv
is "$("$tool" cid)" -1 "hyperv: we have no CID"
is "$(run stream 2)" "$talk peek=EOPNOTSUPP inq=ok bytes=1 received=3 outq=EOPNOTSUPP buffer=ok size=200000 lowat=$lowat \
zerocopy=$no_zerocopy $bye" "hyperv: a stream"
is "$(run ends 2)" "$ends" "hyperv: connections that do not last"
is "$(name "" 2 seqpacket)" ESOCKTNOSUPPORT "hyperv: no messages"
is "$(name "" 0)" ENETUNREACH "hyperv: CID 0 is not allowed"
is "$(name "" 77)" ENODEV "hyperv: fallback does not mean it"
is "$(name local 2)" ENETUNREACH "hyperv: the host, from a local namespace"
is "$(called test_hyperv 2 7)" "poll=ok accept=ok from=2:7 echo=ok $bye" "hyperv: the host calls"
lowat_hook=set_rcvlowat
[ "$lowat" = ok ] || lowat_hook=""
# shellcheck disable=SC2086  # words
check_calls test_hyperv $no_dgram $no_seqpacket cancel_pkt notify_buffer_size unsent_bytes read_skb $lowat_hook
ok "hyperv: goes" wait_until rmmod test_hyperv

# ---- As a host with guests, and as both.
ok "host: of VMCI's kind" load test_vmci h2g=1 dgram=0
is "$("$tool" cid)" 2 "host: is CID 2"
is "$(name "" 50)" "test_vmci at 50" "host: every guest is its own"
is "$(name local 50)" ENODEV "host: but none in a local namespace"
is "$(name "" 2)" ENODEV "host: there is nobody above"
is "$(called test_vmci 50 7)" "poll=ok accept=ok from=50:7 echo=ok $bye" "host: a guest calls"
ok "both: a guest of virtio's kind as well" load test_virtio
is "$("$tool" cid)" 3 "both: known above by that CID"
is "$(name "" 50)" "test_vmci at 50" "both: a guest"
is "$(name "" 2)" "test_virtio at 2" "both: the host above"
is "$(called test_virtio 50 7)" "poll=ok accept=ok from=50:7+flag echo=ok $bye" "both: a sibling with a guest's CID calls"
is "$(called test_vmci 50 7)" "poll=ok accept=ok from=50:7 echo=ok $bye" "both: the guest calls"
load_loopback
is "$("$tool" pair)" ok "both: CID 1 is loopback"
is "$("$tool" pair stream 3)" ok "both: our own CID too"
is "$(ns_exec local "$tool" pair stream 3)" ok "both: in a local namespace too"
is "$(name "" 2)" "test_virtio at 2" "both: CID 2 is not"
ok "both: the host's side goes" wait_until rmmod test_vmci
is "$(name "" 50)" "test_virtio at 50+flag" "both: guests' CIDs are the host's above then"
ok "both: it comes again" load test_vmci h2g=1 dgram=0
is "$(name "" 50)" "test_vmci at 50" "both: and has its guests"

# ---- Unloading races connects: the answers of before and of after, and no others. A module that is going has its role for
# some time more, as drivers have that end their devices first.
count=1000
[ "$KERNEL" != debug ] || count=300
ok "race: the host's side comes and goes" wait_until rmmod test_vmci
is "$(PARAMETERS="h2g=1 dgram=0 exit_ms=20" "$transports" race "$TEST_MODULES/test_vmci.ko" 50 $count)" \
	"test_virtio at 50+flag, test_vmci at 50" "race: by it, or out by fallback"
ok "race: it goes" wait_until rmmod test_vmci
ok "race: the way out goes" wait_until rmmod test_virtio
is "$("$transports" race "$TEST_MODULES/test_virtio.ko" 50 $count)" "ENODEV, test_virtio at 50+flag" \
	"race: the way out is there, or is not"
ok "race: it goes" wait_until rmmod test_virtio
ok "the far side goes" wait_until rmmod test_far_side
ok "everything unloads" wait_until unload_all

done_testing
