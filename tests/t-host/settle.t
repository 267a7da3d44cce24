#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# packaging/settle on a made-up machine, with a DKMS that builds by writing a line of text: which kernels get which modules.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export VSOCK_NETNS_ROOT=$scratch/root
root=$VSOCK_NETNS_ROOT
tree=$root/var/lib/dkms/vsock-netns
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
first=6.1.0-1-amd64 second=6.1.0-2-amd64
mkdir "$scratch/bin"
for program in uname id modinfo; do
	ln -s "$PWD/tests/lib/fake-machine" "$scratch/bin/$program"
done
for program in depmod update-initramfs; do
	ln -s /bin/true "$scratch/bin/$program"
done
export PATH=$scratch/bin:$PATH

# With a file "old" it is 2.8, which builds and installs nothing twice; with "signs" it signs.
cat >"$scratch/bin/dkms" <<'DKMS'
#!/bin/bash
root=$VSOCK_NETNS_ROOT tree=$VSOCK_NETNS_ROOT/var/lib/dkms/vsock-netns
echo "$*" >>"$root/did"
action=$1 force='' kernel='' version=''
shift
while [ $# -gt 0 ]; do
	case $1 in
	--force) force=yes ;;
	-k) kernel=$2 && shift ;;
	vsock-netns/*) version=${1#*/} ;;
	esac
	shift
done
[ ! -e "$root/old" ] || force=''
built=$tree/$version/$kernel
installed=$root/lib/modules/$kernel/updates/dkms
case $action in
--version)
	[ ! -e "$root/old" ] || exec echo "dkms: 2.8.4"
	echo "dkms-3.0.11"
	;;
status)
	for version in "$tree"/[0-9]*; do
		[ ! -e "$version/source/dkms.conf" ] || echo "vsock-netns/${version##*/}, any, x86_64: added"
	done
	;;
add)
	mkdir -p "$tree/$version"
	ln -s "$root/usr/src/vsock-netns-$version" "$tree/$version/source"
	;;
*) [ -e "$tree/$version/source/dkms.conf" ] || exit 4 ;;&
build | install)
	if [ ! -d "$built" ] || [ "$action$force" = buildyes ]; then
		[ ! -e "$root/fails.$kernel" ] || exit 10
		mkdir -p "$built"
		for module in vsock vsock_loopback vhost_vsock; do
			printf '%s\n' "author=The vsock-netns authors" "vermagic=$kernel SMP" "version=$version" >"$built/$module.ko"
			[ ! -e "$root/signs" ] || echo "signer=DKMS" >>"$built/$module.ko"
		done
	fi
	;;&
install)
	[ ! -e "$built.installed" ] || [ -n "$force" ] || exit 0
	mkdir -p "$installed" && cp "$built"/*.ko "$installed/"
	touch "$built.installed"
	;;
uninstall) [ ! -e "$built.installed" ] || rm -r "$installed"/*.ko "$built.installed" ;;
remove)
	for built in "$tree/$version"/${kernel:-*-amd64}; do
		[ -d "$built" ] || continue
		[ ! -e "$built.installed" ] || rm -r "$root/lib/modules/${built##*/}/updates/dkms"/*.ko "$built.installed"
		rm -r "$built"
	done
	ls -d "$tree/$version"/*-amd64 >/dev/null 2>&1 || rm -r "${tree:?}/$version"
	;;
esac
DKMS
chmod 755 "$scratch/bin/dkms"

# kernel RELEASE: with its own modules and its headers.
kernel() {
	local module directory
	for module in net/vmw_vsock/vsock net/vmw_vsock/vsock_loopback drivers/vhost/vhost_vsock; do
		directory=$root/lib/modules/$1/kernel/${module%/*}
		mkdir -p "$directory" "$root/lib/modules/$1/build"
		printf '%s\n' "author=VMware, Inc." "vermagic=$1 SMP" >"$directory/${module##*/}.ko"
	done
	touch "$root/lib/modules/$1/build/Makefile"
	echo CONFIG_VSOCKETS=m >"$root/boot/config-$1"
}

# sources VERSION
sources() {
	mkdir -p "$root/usr/src/vsock-netns-$1"
	touch "$root/usr/src/vsock-netns-$1/dkms.conf"
}

machine() {
	rm -rf "$root"
	mkdir -p "$root"/{boot,etc/dkms,proc,sys/kernel/security,var/lib/dkms}
	touch "$root/etc/debian_version"
	echo $first >"$root/release"
	kernel $first
	kernel $second
	sources "$version"
}

# settle WORD…: sets output and status.
settle() {
	: >"$root/did"
	status=0
	output=$(packaging/settle "$@" 2>&1) || status=$?
}

# versions KERNEL: of the modules that modprobe would load; of the kernel's own there is none.
versions() {
	local module
	for module in vsock vsock_loopback vhost_vsock; do
		modinfo -F version "$(modinfo -b x -k "$1" -n $module)"
	done | paste -s -d ' '
}
verdict() { cat "$root/var/log/vsock-netns/$1.log" 2>/dev/null; }
ours="$version $version $version"

# ---- every kernel
machine
settle install
is "$status $(versions $first) $(versions $second)" "0 $ours $ours" "every kernel gets ours" || diag "$output"
settle install
is "$status $(grep -c '^build' "$root/did")" "0 0" "a second time nothing is built"
settle remove
is "$status $(versions $first)$(versions $second)" "0 " "all go"

# ---- another version before
machine
sources 1.9
for kernel in $first $second; do
	dkms add vsock-netns/1.9
	dkms install vsock-netns/1.9 -k "$kernel"
done 2>/dev/null
settle install $first
is "$status $(versions $first) $(versions $second)" "0 $ours $ours" "for one kernel: what loses another version gets this one" ||
	diag "$output"
dkms add vsock-netns/1.9
touch "$root/fails.$second"
echo "in place" >"$root/var/log/vsock-netns/$second.log"
dkms remove "vsock-netns/$version" -k $second
settle install $first
is "$status $(versions $first)" "1 $ours" "or is told"
like "$(verdict $second)" "could not be built" "in its verdict too"

# ---- headers
for want in "etc/debian_version apt-get install linux-headers-$first" "usr/bin/dnf dnf install kernel-devel-$first" \
	"usr/bin/zypper zypper install kernel-amd64-devel" "usr/bin/pacman pacman -S linux-lts-headers" \
	"etc/other install the package with its headers"; do
	machine
	rm -r "$root/lib/modules/$first/build" "$root/etc/debian_version"
	mkdir -p "$root/usr/bin" "$root/usr/lib/modules/$first"
	touch "$root/${want%% *}"
	echo linux-lts >"$root/usr/lib/modules/$first/pkgbase"
	settle install $first
	like "$status $output" "^1 .*stay until its headers are installed: ${want#* }" "no headers, ${want%% *}: ${want#* }"
done

# ---- what was built is wrong
for dkms in old new; do
	machine
	[ $dkms = new ] || touch "$root/old"
	settle install
	sed -i 's/^vermagic=.*/vermagic=6.1.0-0-amd64 SMP/' "$tree/$version/$first"/*.ko "$root/lib/modules/$first/updates/dkms"/*.ko
	settle install $first
	is "$status $(grep -c SMP "$root/lib/modules/$first/updates/dkms/vsock.ko") $(versions $first)" "0 1 $ours" \
		"$dkms DKMS: what was built wrong is built again" || diag "$output"
	like "$(cat "$root/lib/modules/$first/updates/dkms/vsock.ko")" "vermagic=$first" "... for this kernel"
	is "$(versions $second)" "$ours" "... the other kernel keeps its modules"
done

# ---- Secure Boot
machine
settle install
echo 'none [integrity] confidentiality' >"$root/sys/kernel/security/lockdown"
touch "$root/signs"
settle install $first
like "$(cat "$root/lib/modules/$first/updates/dkms/vsock.ko")" "signer=DKMS" "what the kernel would refuse is built again, and signed" ||
	diag "$output"
machine
touch "$root/old"
settle install
echo 'none [integrity] confidentiality' >"$root/sys/kernel/security/lockdown"
settle install $first
is "$status $(grep -c '^build' "$root/did")" "0 0" "not by a DKMS that would not sign it"
like "$output" "is not signed, and the kernel is locked down.*sign_tool=/etc/dkms/sign_helper.sh" "... which is told"

# ---- no-autoinstall
machine
touch "$root/etc/dkms/no-autoinstall"
mkdir -p "$root/var/log/vsock-netns"
echo "in place" >"$root/var/log/vsock-netns/$first.log"
settle install -a
is "$status $(versions $first)$(verdict $first)" "0 " "no-autoinstall: nothing is built by itself, and no verdict is left that is not true"
like "$output" "nothing is built, as /etc/dkms/no-autoinstall says" "... and that is said"
settle install
is "$status $(versions $first)" "0 $ours" "but when somebody asks"

# ---- the sources are gone, and DKMS has the kernel's own module
machine
settle install
mkdir -p "$tree/original_module/$first/x86_64"
stock=$root/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko
mv "$stock" "$tree/original_module/$first/x86_64/"
echo "${stock#"$root"}" >"$tree/original_module/$first/x86_64/vsock.ko.origin"
rm -r "$root/usr/src/vsock-netns-$version"
settle remove
is "$status $(versions $first)$(versions $second)" "0 " "sources deleted by hand: ours go all the same" || diag "$output"
ok "... the kernel's own module is where it was" test -e "$stock"
is "$(find "$tree" "$root/lib/modules" -name '*.origin' -o -path '*/updates/*' -type f 2>/dev/null)$(ls "$root/var/lib/dkms")" "" "... nothing is left"

done_testing
