#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A signal at every wait, over our loopback, and over the stock one for what only that waits for: close, when it lingers.
# uses: stock
# kernels: 5.10 6.1 6.12 debug
# vm: smp=2
set -uo pipefail
. tests/lib/guest.sh

load_loopback
# Who does not run behind the stock device does not answer either, on kernels that wait for that.
load_stock_vhost || diag "no stock vhost_vsock"
ok "every wait" "$TESTBIN/signals"
if [ "$KERNEL" != 5.10 ]; then
	modprobe -r vhost_vsock
	ok "our loopback unloads" wait_until rmmod vsock_loopback
	ok "the stock loopback loads" sh -c \
		"modprobe vmw_vsock_virtio_transport_common && insmod '$STOCK_MODULES/vsock_loopback.ko'"
	ok "close that lingers" env LINGER=1 "$TESTBIN/signals"
	ok "and it unloads" wait_until rmmod vsock_loopback
fi

done_testing
