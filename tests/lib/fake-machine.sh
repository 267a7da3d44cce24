# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by tests/t-host/command*.t after guest.sh: a made-up machine in a directory, on which the command vsock-netns runs.

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export VSOCK_NETNS_ROOT=$scratch/root
root=$VSOCK_NETNS_ROOT
release=6.1.0-1-amd64
mkdir "$scratch/bin"
for program in uname id modinfo insmod modprobe rmmod unshare mount nsenter ss ip stat lsinitramfs unmkinitramfs update-initramfs; do
	ln -s "$PWD/tests/lib/fake-machine" "$scratch/bin/$program"
done
# What two others say is in a file.
cat >"$scratch/bin/mokutil" <<'MOKUTIL'
#!/bin/sh
echo "$2 $(cat "$VSOCK_NETNS_ROOT/mokutil" 2>/dev/null || echo "is not enrolled")"
MOKUTIL
cat >"$scratch/bin/dkms" <<'DKMS'
#!/bin/sh
cat "$VSOCK_NETNS_ROOT/dkms" 2>/dev/null || echo dkms-3.0.11
DKMS
chmod 755 "$scratch"/bin/{mokutil,dkms}
export PATH=$scratch/bin:$PATH
family="kernel/net/vmw_vsock"

# stock MODULE DEPENDS [VERSION], ours MODULE DEPENDS [VERSION]: a file on the disk of kernel $on.
on=$release
stock() {
	local directory=$family
	[ "$1" != vhost_vsock ] || directory=kernel/drivers/vhost
	mkdir -p "$root/lib/modules/$on/$directory"
	printf '%s\n' "author=VMware, Inc." "depends=$2" "vermagic=$on SMP" ${3:+"version=$3" "srcversion=S$3"} \
		>"$root/lib/modules/$on/$directory/$1.ko"
}
ours() {
	mkdir -p "$root/lib/modules/$on/updates/dkms"
	printf '%s\n' "author=The vsock-netns authors" "depends=$2" "vermagic=$on SMP" "version=${3:-2.0.0}" \
		"srcversion=O$1${3:-2.0.0}" >"$root/lib/modules/$on/updates/dkms/$1.ko"
}

# kernel RELEASE: one that is installed, with its own modules.
kernel() {
	on=$1
	stock vsock "" 1.0.2.0-k
	stock vmw_vsock_virtio_transport_common vsock
	stock vsock_loopback vmw_vsock_virtio_transport_common,vsock
	stock vmw_vsock_virtio_transport vmw_vsock_virtio_transport_common,vsock
	stock vhost vsock
	stock vhost_vsock vmw_vsock_virtio_transport_common,vsock
	stock vsock_diag vsock
	mkdir -p "$root/boot"
	echo CONFIG_VSOCKETS=m >"$root/boot/config-$on"
}

# process PID COMM NETNS CGROUP [COMMAND LINE…]
process() {
	local dir=$root/proc/$1
	mkdir -p "$dir/ns" "$dir/fd" "$dir/fdinfo"
	printf '%s\n' "$2" >"$dir/comm"
	ln -s "net:[$3]" "$dir/ns/net"
	printf '0::%s\n' "$4" >"$dir/cgroup"
	printf '%s\0' "${@:5}" >"$dir/cmdline"
}

# open_file PID FD TARGET
open_file() { ln -s "$3" "$root/proc/$1/fd/$2"; }

# machine: a kernel, its stock modules, ours on disk, nothing loaded, no process but the first.
machine() {
	rm -rf "$root"
	mkdir -p "$root"/{proc/sys/net,proc/self,sys/module,run/netns,etc,boot,usr/src/vsock-netns-2.0.0}
	echo $release >"$root/release"
	mkdir -p "$root"/sys/class/misc/{vhost-vsock,vsock}
	echo 10:241 >"$root/sys/class/misc/vhost-vsock/dev"
	echo 10:125 >"$root/sys/class/misc/vsock/dev"
	: >"$root/proc/self/mountinfo"
	: >"$root/did"
	printf 'BUILT_MODULE_NAME[%s]="%s"\n' 0 vsock 1 vsock_loopback >"$root/usr/src/vsock-netns-2.0.0/dkms.conf"
	kernel $release
	ours vsock ""
	ours vsock_loopback vsock
	process 1 systemd 100 /init.scope
	touch "$root/etc/debian_version"
	install -D /dev/null "$root/usr/share/vsock-netns/settle"
}
repair="/usr/share/vsock-netns/settle install $release"

# stock_loaded: the stock modules are loaded, as a kernel without ours would.
stock_loaded() {
	echo kernel >"$root/order"
	for module in vsock_loopback vhost_vsock vmw_vsock_virtio_transport; do
		modprobe "$module"
	done
	rm "$root/order"
	: >"$root/did"
}

# keep NAME, again NAME: the machine as it was, without making it anew.
keep() { cp -a "$root" "$scratch/$1"; }
again() {
	rm -rf "$root"
	cp -a "$scratch/$1" "$root"
}

# sysctls INODE MODE
sysctls() {
	mkdir -p "$root/sysctls.$1"
	echo "$2" | tee "$root/sysctls.$1/ns_mode" >"$root/sysctls.$1/child_ns_mode"
	echo 1 >"$root/sysctls.$1/g2h_fallback"
}

# run ARGUMENT…: sets output, which has both streams, and status.
run() {
	status=0
	output=$(command/vsock-netns "$@" 2>&1) || status=$?
}

# loaded: "NAME:OURS or STOCK…" of what is in the kernel.
loaded() {
	local dir
	for dir in "$root"/sys/module/*; do
		[ -d "$dir" ] || continue
		case $(cat "$dir/taint") in
		*O*) echo "${dir##*/}:ours" ;;
		*) echo "${dir##*/}:stock" ;;
		esac
	done | paste -s -d ' '
}
all_stock="vhost_vsock:stock vmw_vsock_virtio_transport:stock vmw_vsock_virtio_transport_common:stock vsock:stock"
all_stock+=" vsock_loopback:stock"
swapped="vhost_vsock:stock vmw_vsock_virtio_transport:stock vmw_vsock_virtio_transport_common:stock vsock:ours"
swapped+=" vsock_loopback:ours"

did() { paste -s -d ',' "$root/did"; }

# parts COMMAND…: a function of the command, called by itself. What takes too long is killed after three seconds.
parts() {
	# shellcheck disable=SC2016  # for the inner shell
	timeout 60 sh -c 'lib=command/lib
		for part in common modules processes namespaces machine; do . "$lib/$part.sh"; done
		within() { shift; timeout -k 1 3 "$@"; }
		eval "$1"' parts "$*"
}

# json_is NAME WANT WORD…: what the words lead to in the output.
json_is() {
	is "$(tests/lib/json "${@:3}" <<<"$output" 2>&1)" "$2" "$1"
}
