#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command vsock-netns on a made-up machine: what doctor finds, and what it says to do.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh
. tests/lib/fake-machine.sh

# ---- doctor
machine
run doctor
is $status 0 "doctor: a good installation" || diag "$output"
like "$output" "modprobe finds ours: vsock vsock_loopback, version 2.0.0" "... says what is fine"

# sick FINDING PATTERN: what doctor has to say, and that it is a problem.
sick() {
	run doctor
	is $status 1 "doctor: $1" || diag "$output"
	like "$output" "$2" "... says so"
}
echo kernel updates/dkms >"$root/order"
sick "a stock module in front of ours" "PROBLEM.*modprobe would load .*/$family/vsock.ko, not our .*/updates/dkms/vsock.ko"
like "$output" "override vsock \* updates/dkms" "... what to do"
machine
rm "$root/lib/modules/$release/updates/dkms/vsock_loopback.ko"
sick "half a set" "half a set: vsock ours, but not vsock_loopback"
run doctor --json
is "$status" 1 "doctor --json: the same exit status"
json_is "... the number of problems" 1 problems
json_is "... the problem" '"problem"' findings 0 level
json_is "... the advice" "[\"Install the whole set again: $repair\"]" findings 0 advice
rm "$root/usr/share/vsock-netns/settle"
sick "half a set, from a checkout" "Install the whole set again: make install KVER=$release "
machine
ours vsock_loopback vsock 2.0.1
sick "two versions" "different versions: 2.0.0 2.0.1"
machine
sed -i 's/^vermagic=.*/vermagic=6.1.0-0-amd64 SMP/' "$root/lib/modules/$release/updates/dkms/vsock.ko"
sick "a module of another kernel" "was built for 6.1.0-0-amd64.*Invalid module format"
machine
rm "$root/lib/modules/$release/updates/dkms"/*
sick "not installed" "our modules are not installed for it"
like "$output" "apt-get install linux-headers-$release.*$repair" "... for lack of headers"
rm "$root/etc/debian_version"
mkdir -p "$root/usr/bin"
touch "$root/usr/bin/dnf"
sick "not installed, Fedora" "dnf install kernel-devel-$release"
machine
mkdir -p "$root/sys/kernel/security"
echo 'none [integrity] confidentiality' >"$root/sys/kernel/security/lockdown"
sick "no signature under lockdown" "vsock.ko is not signed, and the kernel is locked down"
like "$output" "$repair.*mokutil --import /var/lib/dkms/mok.pub" "... what to do"
echo "dkms: 2.8.4" >"$root/dkms"
sick "the same with a DKMS that has no key" "sign_tool=/etc/dkms/sign_helper.sh.*$repair.*mokutil --import /root/mok.der"
[[ $output != *mok.pub* ]]
is $? 0 "... and nothing of a key that it does not know"
rm "$root/dkms"
for file in "$root/lib/modules/$release"/updates/dkms/*; do
	echo "signer=DKMS module signing key" >>"$file"
done
run doctor
like "$status $output" "^0 .*signed by DKMS.*not known, as /var/lib/dkms/mok.pub.*as root: mokutil --test-key /var/lib/dkms/mok.pub|As root: mokutil --test-key /var/lib/dkms/mok.pub" \
	"doctor: a certificate that cannot be read is told"
mkdir -p "$root/var/lib/dkms"
: >"$root/var/lib/dkms/mok.pub"
sick "a key that is not enrolled" "signed by DKMS module signing key, but the key of DKMS is not enrolled"
like "$output" "mokutil --import /var/lib/dkms/mok.pub" "... what to do"
echo "is already enrolled" >"$root/mokutil"
run doctor
like "$status $output" "^0 .*signed by DKMS module signing key, with a key that is enrolled" "doctor: a key that is enrolled"
echo "is already in the enrollment request" >"$root/mokutil"
sick "a key that is only requested" "signed by DKMS module signing key, a key whose enrollment is only requested"
like "$output" "Reboot, choose Enroll MOK" "... what to do"
for words in "is already in db:with a key that is enrolled" "is blocked in dbx:mokutil does not tell" \
	"is already in the built-in trusted keyring:with a key that is enrolled"; do
	echo "${words%:*}" >"$root/mokutil"
	run doctor
	like "$output" "${words#*:}" "doctor: a key that ${words%:*}"
done
rm "$root/mokutil"
mkdir -p "$root/etc/dkms/framework.conf.d" "$root/keys"
echo 'mok_certificate=/elsewhere' >"$root/etc/dkms/framework.conf"
# shellcheck disable=SC2016  # DKMS's variable
printf '%s\n' 'mok_signing_key="/keys/$kernelver.key"' '#mok_certificate=/no' 'mok_certificate="/keys/${kernelver}.der"' \
	>"$root/etc/dkms/framework.conf.d/ours.conf"
: >"$root/keys/$release.der"
sick "another key that is not enrolled" "mokutil --import /keys/$release.der"
rm -r "$root/etc/dkms"
printf 'NAME=Ubuntu\nID=ubuntu\n' >"$root/etc/os-release"
mkdir -p "$root/var/lib/shim-signed/mok"
: >"$root/var/lib/shim-signed/mok/MOK.der"
sick "Ubuntu's key" "mokutil --import /var/lib/shim-signed/mok/MOK.der"
machine
mkdir -p "$root/sys/firmware/efi/efivars"
printf '\006\000\000\000\001' >"$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
run doctor
like "$status $output" "^0 .*WARNING.*vsock.ko is not signed, and Secure Boot is on" "doctor: no signature under Secure Boot is a warning"
machine
run doctor
like "$output" "no initramfs was found below /boot" "doctor: that there is no initramfs is told"
mkdir -p "$root/boot/0123/$release"
echo "usr/lib/modules/$release/$family/vsock.ko" >"$root/boot/0123/$release/initrd"
sick "a boot loader's directory" "$root/boot/0123/$release/initrd has other modules than the disk"
rm -r "$root/boot/0123"
mkdir -p "$root/efi/EFI/Linux"
: >"$root/efi/EFI/Linux/0123-$release.efi"
run doctor
like "$output" "0123-$release.efi has kernel and initramfs in one: it was not looked into" "doctor: a unified image is told"
rm -r "$root/efi"
# Of Arch: the image is named without the release, and may be of the kernel before.
echo linux-lts >"$root/lib/modules/$release/pkgbase"
echo "usr/lib/modules/6.1.0-0-lts/$family/vsock.ko" >"$root/boot/initramfs-linux-lts.img"
run doctor
like "$status $output" "^0 .*no old vsock module in /boot/initramfs-linux-lts.img" "doctor: another kernel's modules in the image do no harm"
echo "usr/lib/modules/$release/$family/vsock.ko" >"$root/boot/initramfs-linux-lts.img"
# shellcheck disable=SC2016  # for another shell
printf '#!/bin/sh\ncat "$1"\n' >"$scratch/bin/lsinitcpio"
chmod 755 "$scratch/bin/lsinitcpio"
# shellcheck disable=SC2016  # for the inner shell
output=$(sh -c 'lib=command/lib; for part in common modules initramfs doctor; do . "$lib/$part.sh"; done
	image_lister() { command -v lsinitcpio; }; check_image "$1"' check $release 2>&1)
like "$output" "initramfs-linux-lts.img has other modules than the disk" "doctor: the stock module in an image of mkinitcpio"
# Root reads all, so that only the program that tests knows what cannot be read.
# shellcheck disable=SC2016  # for the inner shell
output=$(sh -c 'lib=command/lib; for part in common modules initramfs doctor; do . "$lib/$part.sh"; done
	image_of() { echo /proc/self/mem/none; }; check_image "$1"' check $release 2>&1)
like "$output" "cannot be read: it was not looked into; root can" "doctor: an image that cannot be read is told"
machine
echo "usr/lib/modules/$release/$family/vsock.ko" >"$root/boot/initrd.img-$release"
sick "the stock module in the initramfs" "has other modules than the disk.*$family/vsock.ko"
like "$output" "update-initramfs -u -k $release" "... what to do"
echo "usr/lib/modules/$release/updates/dkms/vsock.ko" >"$root/boot/initrd.img-$release"
cp "$root/lib/modules/$release/updates/dkms/vsock.ko" "$root/image-copy"
run doctor
is $status 0 "doctor: our module in the initramfs is right" || diag "$output"
sed -i 's/^srcversion=.*/srcversion=OLD/' "$root/image-copy"
sick "an old build of ours in the initramfs" "has other modules than the disk.*updates/dkms/vsock.ko"
machine
mkdir -p "$root/etc/sysctl.d" "$root/etc/modules-load.d" "$root/etc/modprobe.d"
echo 'net.vsock.child_ns_mode = local' >"$root/etc/sysctl.d/vsock.conf"
sick "a sysctl before the module" "nothing loads vsock before that at boot"
echo vsock >"$root/etc/modules-load.d/vsock.conf"
run doctor
is $status 0 "doctor: modules-load.d cures it" || diag "$output"
sysctls 100 global
ln -s "$root/sysctls.100" "$root/proc/sys/net/vsock"
sick "a sysctl that was not applied" "child_ns_mode is global in this namespace, not local"
# The last one by its name counts, wherever it is, and /etc hides others of its name.
mkdir -p "$root/usr/lib/sysctl.d" "$root/run/sysctl.d"
echo 'net.vsock.child_ns_mode = global' | tee "$root/usr/lib/sysctl.d/50-some.conf" >"$root/run/sysctl.d/zz.conf"
touch "$root/etc/sysctl.d/zz.conf"
sick "of several sysctls the last counts" "child_ns_mode is global in this namespace, not local"
rm "$root/etc/sysctl.d/zz.conf"
run doctor
is $status 0 "doctor: one that comes last in /run does" || diag "$output"
rm "$root/run/sysctl.d/zz.conf"
ln -s ../sysctl.conf "$root/etc/sysctl.d/zz.conf"
echo 'net.vsock.child_ns_mode = global' >"$root/etc/sysctl.conf"
mkdir -p "$root/run/systemd/system"
run doctor
is $status 0 "doctor: sysctl.conf counts where a link leads to it" || diag "$output"
rm "$root/etc/sysctl.d/zz.conf"
sick "a sysctl.conf that systemd does not read" "set in /etc/sysctl.conf, which systemd does not read at boot"
like "$output" "child_ns_mode is global in this namespace, not local" "... so it does not count"
machine
mkdir -p "$root/etc/modprobe.d"
echo 'install vsock /bin/false' >"$root/etc/modprobe.d/hardening.conf"
sick "a forbidden module" "vsock is not loaded but a command is run in its place.*hardening.conf"
machine
echo 'quiet module_blacklist=vsock,vhost_vsock,vsock_loopback ro' >"$root/proc/cmdline"
sick "a machine that was booted without them" "forbidden by module_blacklist= on the kernel's command line: vsock vsock_loopback"
like "$output" "take it off there" "... what to do"
echo 'modprobe.blacklist="pcspkr,vsock-loopback"' >"$root/proc/cmdline"
sick "the same for modprobe" "forbidden by modprobe.blacklist= on the kernel's command line: vsock_loopback"
machine
echo 5.4.0-1 >"$root/release"
sick "an old kernel" "our modules are for Linux 5.10 to 6.19; 5.4.0-1 is older"
machine
echo CONFIG_VSOCKETS=y >"$root/boot/config-$release"
sick "a built-in vsock" "no module can replace it"
machine
kernel 7.1.0-1-amd64
echo 7.1.0-1-amd64 >"$root/release"
run doctor
is $status 0 "doctor: 7.x needs nothing" || diag "$output"
ours vsock ""
sick "ours for 7.x" "yet ours is installed for it"
machine
stock_loaded
run doctor
like "$status $output" "^0 .*WARNING +vsock: the kernel's own is loaded, ours is installed" "doctor: a swap that is due is a warning"
mkdir -p "$root/sys/kernel/livepatch/fix/vsock"
run doctor
like "$output" "a live patch changes the kernel's own module: /sys/kernel/livepatch/fix/vsock" "doctor: a live patch is a warning"

done_testing
