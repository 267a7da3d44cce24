#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The stock loopback on our vsock: a transport that knows nothing of us carries every state of a socket, both ends of it.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool

load_vsock
ok "its packet protocol loads" modprobe vmw_vsock_virtio_transport_common
ok "the stock loopback loads" insmod "$STOCK_MODULES/vsock_loopback.ko"
ns_new global
ns_new local local
# 5.10 has no messages.
case $KERNEL in
5.10*) messages=ESOCKTNOSUPPORT ;;
*) messages=ok ;;
esac
for wanted in "stream ok" "seqpacket $messages"; do
	read -r type answer <<<"$wanted"
	is "$("$tool" pair "$type")" "$answer" "$type in init"
	is "$(ns_exec global "$tool" pair "$type")" "$answer" "$type in a global namespace"
done
is "$(ns_exec local "$tool" pair stream)" ENODEV "not in a local one, which it does not know"
is "$(ns_exec local "$tool" pair seqpacket)" ESOCKTNOSUPPORT "nor for messages"

# What the programs leave out for a kernel's own modules, this transport cannot do either.
for program in connect poll ends; do
	if [ $messages = ok ]; then
		ok "$program" env NATIVE=1 GLOBAL_ONLY=1 "$TESTBIN/$program"
	else
		skip "this kernel's loopback has no messages" "$program"
	fi
done

# The timer of a nonblocking connect goes when the connection stands.
tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs tracefs $tracing
echo 1 >$tracing/events/workqueue/workqueue_execute_start/enable
is "$("$tool" late 100)" ok "a nonblocking connect"
ok "its packets are seen at work" grep -q vsock_loopback_work $tracing/trace
is "$(grep -c connect_timeout_work $tracing/trace)" 0 "and its timer is not"
echo 0 >$tracing/events/workqueue/workqueue_execute_start/enable

# A closed connection holds its transport until its peer has answered, or for some seconds.
ok "it unloads" wait_until rmmod vsock_loopback
ok "and ours takes its place" modprobe vsock_loopback
is "$(ns_exec local "$tool" pair)" ok "in a local namespace too"

done_testing
