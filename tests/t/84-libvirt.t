#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The documents' example with libvirt, as it is written there.
# packages: libvirt
# only when named
# kernels: 6.1 6.12
# vm: smp=2 mem=2G timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/document.sh

cd "$document_files" || bail "no directory"
document=$OLDPWD/docs/examples.md
machine=$(document_block "$document" machine.xml)
printf '%s\n' "${machine#*$'\n'}" >machine.xml
# Nothing of the kind runs here, and what the package of the system's daemon makes is wanted without that daemon.
getent passwd libvirt-qemu >/dev/null || useradd --system --user-group libvirt-qemu
mkdir -p /etc/libvirt /var/log/libvirt
printf '%s\n' 'security_driver = "none"' 'cgroup_controllers = []' 'namespaces = []' 'user = "root"' 'group = "root"' 'stdio_handler = "file"' \
	>/etc/libvirt/qemu.conf

load_loopback
diag "libvirt $(libvirtd --version)"
document_play "$document" libvirt
ok "the machine goes" virsh destroy one
is "$(vsock-netns list | grep -c ' guest ')" 0 "and nobody has its CID"

done_testing
