#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the migration note promises of a kernel that has the feature itself: the command steps aside, settings mean the same, the
# module option is not known.
# kernels: 7.3
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

# What the machine whose files these are has installed is not of interest.
rm -rf /usr/src/vsock-netns-* /var/lib/dkms/vsock-netns

mkdir -p /etc/modprobe.d
echo "options vsock child_ns_mode=local" >/etc/modprobe.d/vsock-netns.conf
ok "the option does not keep the kernel's own module from being loaded" modprobe vsock_loopback
is "$(sysctl -n net.vsock.child_ns_mode)" global "it does nothing"
like "$(dmesg)" "vsock: unknown parameter 'child_ns_mode' ignored" "the kernel says so"
document_play docs/migration.md after
command/vsock-netns swap 2>/dev/null
is $? 4 "swap: exit status"
command/vsock-netns doctor >/run/doctor 2>&1
is $? 0 "doctor: nothing to complain about" || diag "$(cat /run/doctor)"
diag "$(cat /run/doctor)"

done_testing
