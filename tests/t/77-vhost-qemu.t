#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The newest QEMU of the distribution, and the vsock device of machines without PCI.
# nested: 6.1 qemu
# only when named
# vm: smp=2 mem=2G timeout=900
set -uo pipefail
. tests/lib/guest.sh
. tests/lib/nested.sh

tool=$TESTBIN/vsock-tool
mib=$((1 << 20))
usual=$nested_qemu newest=$nested_files/qemu

modprobe vhost_vsock || bail "vhost_vsock does not load"
trap '[ $? = 0 ] || guest_explain newest' EXIT

# For this device a machine needs a virtio-mmio bus, which on x86 only microvm has. Distribution kernels do not run there
# when emulated: without ACPI they do not find the bus, for want of VIRTIO_MMIO_CMDLINE_DEVICES, with ACPI they find no
# timer, which is KVM's there. So this is as far as it goes: QEMU makes the device, and has the CID.
for nested_qemu in "$usual" "$newest"; do
	version=$("$nested_qemu" --version | sed -n 's/.* version \([0-9.]*\).*/\1/p')
	pci=("${nested_machine[@]}")
	nested_machine=(-nodefaults -no-user-config -M "microvm,memory-backend=memory" -m 160M -display none
		-object "memory-backend-memfd,id=memory,size=160M,share=on" -accel tcg)
	device=(-S -device "vhost-vsock-device,guest-cid=7")
	ok_here "QEMU $version: vhost-vsock-device starts" guest_launch mmio "" "${device[@]}"
	is "$("$tool" vhost 7 </dev/null)" EADDRINUSE "QEMU $version: and has its CID"
	fails "QEMU $version: another one does not get it" guest_launch other "" "${device[@]}"
	like "$(<"$(guest_dir other)/qemu")" "unable to set guest cid: Address already in use" "QEMU $version: and says so"
	guest_kill mmio
	is "$("$tool" vhost 7 </dev/null)" ok "QEMU $version: killed, its CID is free at once"
	nested_machine=("${pci[@]}")
done

# Now the newest. A boot takes minutes here: only where 75-vhost-guests boots one too.
case ${KERNEL:?} in
6.1 | 7.3)
	ok_here "the newest QEMU starts" guest_start newest 6.1 42
	ok "the guest boots" guest_wait_booted newest
	;;
*)
	ok_here "the newest QEMU goes on with a state of the other" guest_resume newest 6.1 42
	;;
esac
ok "the guest answers" guest_wait_ready newest
ok "8 MiB to the guest" guest_traffic newest to-guest $((8 * mib))
ok "8 MiB from the guest" guest_traffic newest from-guest $((8 * mib)) call
ok "messages to the guest" guest_traffic newest messages-to-guest 50
ok "messages from the guest" guest_traffic newest messages-from-guest 50 call
fails "a second one with its CID is refused" guest_start other 6.1 42 "" -S
ok "saved" guest_save newest /run/saved
guest_quit newest
ok_here "and goes on in another QEMU" guest_resume newest 6.1 42 "" /run/saved
ok "where it answers" guest_wait_ready newest
guest_kill newest
is "$("$tool" connect 42 1000)" ENODEV "killed, nobody has its CID"

done_testing
