#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Out of memory at every allocation: of the modules' loading, of every call, and at random under random calls. That
# nothing leaks and all unloads is for the harness to see.
# kernels: debug
# vm: timeout=900
set -uo pipefail
. tests/lib/guest.sh

program() { # program NAME COMMAND…: its points as ours are only its failures.
	local log=/run/program status=0
	"${@:2}" >$log 2>&1 || status=$?
	grep -v '^ok' $log | sed 's/^/# /' >&2
	tap_result $status "$1"
}

# What vhost_vsock links to is the kernel's own.
modprobe vhost_iotlb
# Copied, because out of memory the network file system that the machine's root is loses track of what it has open.
mkdir /run/modules
cp /lib/modules/*/updates/dkms/*.ko /run/modules
MODULES=/run/modules program "loading and unloading" "$TESTBIN/out-of-memory-modules"

load_loopback
program "sockets, namespaces, sysctls" "$TESTBIN/out-of-memory"

# One allocation in a hundred fails, for those who say that theirs may.
faults=/sys/kernel/debug/failslab
for setting in ignore-gfp-wait=N task-filter=Y verbose=0 times=-1 interval=1 probability=1; do
	echo "${setting#*=}" >"$faults/${setting%%=*}"
done
program "random calls" env FAILING=1 "$TESTBIN/random-calls"

done_testing
