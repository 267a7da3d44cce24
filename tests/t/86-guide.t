#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The administrator's guide: its commands, as they are written there, on a machine whose stock modules are loaded.
# only when named
# uses: stock
# kernels: 6.1 6.12
# vm: smp=2 timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

# What the machine whose files these are has installed is not of interest.
rm -rf /usr/src/vsock-netns-* /var/lib/dkms/vsock-netns
# The tree of the tests lacks the stock modules that there are ours of.
tree=/lib/modules/$(uname -r)/kernel
mkdir -p "$tree/net/vmw_vsock" "$tree/drivers/vhost"
cp "$STOCK_MODULES"/vsock{,_loopback}.ko "$tree/net/vmw_vsock/"
cp "$STOCK_MODULES/vhost_vsock.ko" "$tree/drivers/vhost/"
ok "the stock modules load" insmod "$STOCK_MODULES/vsock.ko"

document_play docs/administrators-guide.md check
document_play docs/administrators-guide.md swap
is "$(cat /sys/module/vsock/srcversion)" "$(modinfo -F srcversion vsock)" "ours is loaded"
document_play docs/administrators-guide.md list

# What the files for boot are about: the option, then the sysctl.
ok "unload" unload_all
echo "options vsock child_ns_mode=local" >/etc/modprobe.d/vsock-netns.conf
load_vsock
document_play docs/administrators-guide.md mode
# shellcheck disable=SC2016  # backquotes, for sed
read -r -a before_start < <(sed -n 's/.*`ExecStartPre=\([^`]*\)`.*/\1/p' docs/administrators-guide.md)
ok "a service that needs isolation starts" "${before_start[@]}"
rm /etc/modprobe.d/vsock-netns.conf
ok "unload" unload_all
fails "and does not without the modules" "${before_start[@]}"
load_vsock
fails "nor in global mode" "${before_start[@]}"
printf '%s\n' "net.vsock.child_ns_mode = local" >/run/sysctl.conf
ok "sysctl reads the file" sysctl -p /run/sysctl.conf
document_play docs/administrators-guide.md mode

done_testing
