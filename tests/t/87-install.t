#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The README's way there and back, as it is written there, on a machine that has the stock modules only: DKMS builds and
# installs, the command swaps.
# only when named
# uses: stock
# kernels: 6.1 6.12
# vm: smp=2 mem=2G timeout=3600
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

release=$(uname -r)
tree=/lib/modules/$release
kernel=${STOCK_MODULES%/stock}
umount "$tree"
mount --bind "$kernel/lib/modules/$release" "$tree" || bail "no stock modules"
ln -sfn "$kernel/usr/src/linux-headers-$release" "$tree/build"
# What the machine whose files these are has installed is not of interest.
rm -rf /usr/src/vsock-netns-* /var/lib/dkms/vsock-netns

# There is no network here: apt says what it would do.
# shellcheck disable=SC2317  # called by what the README says
apt-get() { command apt-get --simulate "$@"; }

family() { find "$tree/" -name '*vsock*.ko' -exec sha256sum {} + | sort -k2; }

before=$(family)
ok "the stock modules are loaded" modprobe -a vsock_loopback vhost_vsock
fails "which have no modes" test -e /proc/sys/net/vsock
document_play README.md start
document_play README.md install
is "$(sysctl -n net.vsock.ns_mode)" global "modes are there"
for module in vsock vsock_loopback vhost_vsock; do
	is "$(cat "/sys/module/$module/srcversion")" "$(modinfo -F srcversion "$tree/updates/dkms/$module.ko")" \
		"$module: ours is loaded"
done
document_play README.md uninstall
fails "modes are gone" test -e /proc/sys/net/vsock
is "$(family)" "$before" "the same modules are on disk as before"
ok "and the stock ones are what is loaded by name" test "$(modinfo -n vsock)" = "$tree/kernel/net/vmw_vsock/vsock.ko"

done_testing
