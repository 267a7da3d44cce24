#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Connects that race a guest's coming and going, where fallback has another answer for its CID.
# uses: test-modules
# kernels: 5.10 6.1 6.12 debug
# vm: smp=2 timeout=600
set -uo pipefail
. tests/lib/guest.sh

load_loopback
for module in test_far_side test_virtio; do
	insmod "$TEST_MODULES/$module.ko" || bail "$module does not load"
done
load_vhost
"$TESTBIN/guest-races" 1000
status=$?
# They hold vsock, which has to go in the end.
wait_until rmmod test_virtio test_far_side || bail "the test transport does not go"
exit $status
