#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# dkms.conf lets DKMS build for the kernels that we support, and skip the others with a reason.
# Needs root, and dkms (another one than the installed: DKMS=/path/to/dkms). Touches nothing of the machine: fake kernels
# and a fake source tree live in a mount namespace of this test's own.
set -euo pipefail
self=$(readlink -f "$0")
cd "$(dirname "$self")/../.."
DKMS=${DKMS:-dkms}

# dkms looks in sbin, which not every caller has in its path.
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ] || ! command -v "$DKMS" > /dev/null; then
	echo "1..0 # SKIP needs root and dkms"
	exit
fi
if [ -z "${DKMS_GATE_PRIVATE:-}" ]; then
	DKMS_GATE_PRIVATE=1 exec unshare --mount --propagation private "$self" "$@"
fi

tests=0
ok() {
	local name=$2
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		[ -z "${3:-}" ] || echo "# ${3//$'\n'/$'\n'# }"
	fi
}

# holds COMMAND…: 0 or 1, as ok wants it.
holds() {
	"$@" > /dev/null 2>&1 && echo 0 || echo 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# A machine without a kernel package has no such directory.
mkdir -p /usr/lib/modules
mount -t tmpfs none /usr/lib/modules
mount -t tmpfs none /boot

# kernel RELEASE [CONFIG_VSOCKETS]: headers that are nothing but a configuration; none at all without a second argument.
kernel() {
	mkdir -p "/lib/modules/$1" "$scratch/headers/$1/include"
	ln -sfn "$scratch/headers/$1" "/lib/modules/$1/build"
	rm -f "$scratch/headers/$1/.config"
	case ${2:-} in
	'') ;;
	n) echo "# CONFIG_VSOCKETS is not set" > "$scratch/headers/$1/.config" ;;
	*) echo "CONFIG_VSOCKETS=$2" > "$scratch/headers/$1/.config" ;;
	esac
}

# accepts RELEASE: what dkms does with dkms.conf before it builds, for many releases at the price of none.
accepts() (
	# shellcheck disable=SC2034 # read by dkms.conf
	kernelver=$1 kernel_source_dir=/lib/modules/$1/build
	# shellcheck source=/dev/null
	. ./dkms.conf
	[[ $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]]
)

for release in 5.10.0-46-amd64 5.10.262 5.15.0-100-generic 5.19.17 6.0.1 6.1.0-56-amd64 6.9.3 6.10.1-arch1-1 \
		6.12.117+deb12-amd64 6.12.117+deb13-cloud-amd64 6.19.0-rc4 6.19.12; do
	kernel "$release" m
	ok "$(holds accepts "$release")" "$release is accepted"
done
for release in 4.19.0-27-amd64 4.10.5 5.0.1 5.1.10 5.9.16 5.100.1 5.20.0 6.20.1 6.100.0 7.0.0 7.3.4+deb13-amd64 15.10.1 \
		16.1.0 2.6.32; do
	kernel "$release" m
	ok "$((1 - $(holds accepts "$release")))" "$release is not accepted"
done
kernel 6.1.1-builtin y
ok "$((1 - $(holds accepts 6.1.1-builtin)))" "built-in vsock is not accepted"
kernel 6.1.1-without n
ok "$((1 - $(holds accepts 6.1.1-without)))" "a kernel without vsock is not accepted"
kernel 6.1.1-unknown
ok "$(holds accepts 6.1.1-unknown)" "without any configuration to read, the build has to find out"
echo "CONFIG_VSOCKETS=y" > /boot/config-6.1.1-unknown
ok "$((1 - $(holds accepts 6.1.1-unknown)))" "the configuration in /boot counts too"
output=$(env -i bash -ec '. ./dkms.conf; declare -p PACKAGE_NAME AUTOINSTALL' 2>&1) && status=0 || status=1
ok "$status" "dkms.conf can be read without kernelver" "$output"

# From here on dkms itself. The source tree is the real dkms.conf with a Makefile that makes the modules out of any ELF file.
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
source=$scratch/src/vsock-netns-$version
mkdir -p "$source" "$scratch/dkms"
cp dkms.conf "$source/"
cat > "$source/Makefile" <<'MAKEFILE'
all:
	test "$(KDIR)" = "/lib/modules/$(KVER)/build"
	mkdir -p build/$(KVER)
	cp /bin/true build/$(KVER)/vsock.ko
	cp /bin/true build/$(KVER)/vsock_loopback.ko
	cp /bin/true build/$(KVER)/vhost_vsock.ko
clean:
MAKEFILE
dkms_run() {
	"$DKMS" "$@" --dkmstree "$scratch/dkms" --sourcetree "$scratch/src"
}
echo "# $("$DKMS" --version 2>&1)"
output=$(dkms_run add -m vsock-netns -v "$version" 2>&1) && status=0 || status=1
ok "$status" "dkms add" "$output"

# builds RELEASE: lets dkms build; sets output, status and count, how many modules came of it.
builds() {
	output=$(dkms_run build -m vsock-netns -v "$version" -k "$1" 2>&1) && status=0 || status=$?
	count=$(find "$scratch/dkms/vsock-netns/$version" -path "*/$1/*" -name '*vsock*.ko*' | wc -l)
}

for release in 5.10.0-46-amd64 6.12.117+deb12-amd64; do
	builds "$release"
	ok "$status" "dkms builds for $release" "$output"
	ok "$(holds [ "$count" = 3 ])" "... all three modules" "$output"
done
for release in 5.9.16 7.3.4+deb13-amd64; do
	builds "$release"
	ok "$(holds [ "$status$count" != 00 -a "$count" = 0 ])" "dkms does not build for $release" "$output"
	ok "$(holds grep -q BUILD_EXCLUSIVE <<< "$output")" "... and calls it excluded" "$output"
	ok "$(holds [ "$(grep -c '5.10 to 6.19' <<< "$output")" = 1 ])" "... with the reason, once" "$output"
done
for release in 6.1.1-builtin 6.1.1-without; do
	builds "$release"
	ok "$(holds [ "$status$count" != 00 -a "$count" = 0 ])" "dkms does not build for $release" "$output"
	ok "$(holds grep -q BUILD_EXCLUSIVE <<< "$output")" "... and calls it excluded" "$output"
	ok "$(holds [ "$(grep -c 'CONFIG_VSOCKETS=m' <<< "$output")" = 1 ])" "... with the reason, once" "$output"
done
output=$(dkms_run status 2>&1) && status=0 || status=$?
ok "$(holds grep -q "vsock-netns.*6.12.117.*built" <<< "$output")" "dkms status lists what was built" "$output"
ok "$((1 - $(holds grep -q 'vsock-netns \(is\|needs\)' <<< "$output")))" "... and repeats no reason" "$output"
output=$(dkms_run remove -m vsock-netns -v "$version" --all 2>&1) && status=0 || status=$?
ok "$status" "dkms remove" "$output"

echo "1..$tests"
