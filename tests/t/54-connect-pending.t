#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Connects without an answer, and sockets that change transports; see tests/known-fixes.md.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_loopback
load_stock_vhost || bail "the stock vhost_vsock does not load"
ok "with a guest that does not answer" "$TESTBIN/connect-pending"
modprobe vmw_vsock_virtio_transport || bail "vmw_vsock_virtio_transport does not load"
ok "with a hypervisor that is not there" "$TESTBIN/connect-pending" hypervisor
ok "everything unloads" wait_until unload_all

done_testing
