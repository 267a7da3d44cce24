#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# packaging/settle on a made-up machine, with a DKMS that builds by writing a line of text: which kernels get which modules.
# shellcheck disable=SC2016  # text for other shells
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
for program in uname id modinfo lsinitramfs unmkinitramfs; do
	ln -s "$PWD/tests/lib/fake-machine" "$scratch/bin/$program"
done
ln -s /bin/true "$scratch/bin/depmod"
# An image is a list of paths. What makes one is a file, if there is one; with a file "readonly", nothing leaves /lib/modules;
# nobody waits for the lock. What would keep that when it stays behind is written down.
cat >"$scratch/bin/update-initramfs" <<'GENERATOR'
#!/bin/sh
image=$VSOCK_NETNS_ROOT/boot/initrd.img-$3
readlink /proc/$$/fd/9 >>"$VSOCK_NETNS_ROOT/keeps"
[ ! -e "$VSOCK_NETNS_ROOT/generator" ] || . "$VSOCK_NETNS_ROOT/generator"
GENERATOR
cat >"$scratch/bin/rm" <<'RM'
#!/bin/sh
case $*:$(ls "$VSOCK_NETNS_ROOT/readonly" 2>/dev/null) in
*/lib/modules/*:?*)
	echo "rm: cannot remove it: Read-only file system" >&2
	exit 1
	;;
esac
exec /bin/rm "$@"
RM
cat >"$scratch/bin/flock" <<'FLOCK'
#!/bin/sh
[ "$1" != -w ] || exec /usr/bin/flock -n "$3"
exec /usr/bin/flock "$@"
FLOCK
chmod 755 "$scratch"/bin/{update-initramfs,rm,flock}
export PATH=$scratch/bin:$PATH

# With a file "old" it is 2.8, which builds and installs nothing twice; with "signs" it signs; with "full" the disk is, which
# it does not notice; with "loses" a module of the kernel's own is lost on the way back; "signal" is sent to who called it.
cat >"$scratch/bin/dkms" <<'DKMS'
#!/bin/bash
root=$VSOCK_NETNS_ROOT tree=$VSOCK_NETNS_ROOT/var/lib/dkms/vsock-netns
echo "$*" >>"$root/did"
readlink /proc/$$/fd/9 >>"$root/keeps"
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
remove) [ -e "$tree/$version/source/dkms.conf" ] || exit 0 ;;& # 3.0 says that it is an error, and succeeds
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
	[ ! -e "$root/full" ] || truncate -s 0 "$installed"/*.ko
	[ ! -e "$root/signal" ] || { rm "$installed/vsock.ko" && kill -s "$(cat "$root/signal")" $PPID; }
	touch "$built.installed"
	;;
uninstall) [ ! -e "$built.installed" ] || rm -r "$installed"/*.ko "$built.installed" ;;
remove)
	[ ! -e "$root/loses" ] || rm "$root/lib/modules/6.1.0-1-amd64/kernel/net/vmw_vsock/vsock.ko"
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
	mkdir -p "$root"/{boot,etc/dkms,proc,run,sys/kernel/security,var/lib/dkms,var/tmp}
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
is "$status $(versions $first)" "0 " "no-autoinstall: nothing is built by itself"
like "$output" "$first: nothing is built, as /etc/dkms/no-autoinstall says" "... and that is said"
like "$(verdict $first)" "nothing is built" "... in the verdict too"
echo "usr/lib/modules/$first/updates/dkms/vsock.ko" >"$root/boot/initrd.img-$first"
echo 'echo "usr/lib/modules/$3/kernel/net/vmw_vsock/vsock.ko" >"$image"' >"$root/generator"
settle install -a
is "$status $(cat "$root/boot/initrd.img-$first")" "0 usr/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko" \
	"... but ours does not stay in an initramfs when it has gone from the disk" || diag "$output"
rm "$root/generator" "$root/boot/initrd.img-$first"
settle install
is "$status $(versions $first)" "0 $ours" "but when somebody asks"
install -D -m 755 /dev/null "$root/usr/share/vsock-netns/settle"
rm "$root/lib/modules/$first/updates/dkms/vhost_vsock.ko"
settle install -a
is "$status $(versions $first) $(versions $second)" "0  $ours" "half a set becomes the kernel's own, a whole one stays" || diag "$output"
like "$output" "$first: nothing is built, as .* says; the kernel's own modules are in place\\. To have ours: /usr/share/vsock-netns/settle install $first" \
	"... and that is said, and how to have ours"
settle install
rm "$root/lib/modules/$first/updates/dkms/vhost_vsock.ko"
touch "$root/readonly"
settle install -a
like "$status $output" "^1 .*$first: the kernel's own modules are not all back: " "... or that it does not"
machine
touch "$root/etc/dkms/no-autoinstall"
sources 1.9
dkms add vsock-netns/1.9
dkms install vsock-netns/1.9 -k $first
settle install -a
is "$status $(versions $first)" "0 1.9 1.9 1.9" "a whole set of another version stays"
like "$output" "$first: nothing is built, .*; our modules of version 1.9 stay\\. To have $version: .*$first" "... and that is said"

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

# ---- what is asked for
machine
settle install 6.1.0-9-amd64
is "$status $output" "1 vsock-netns: the kernel 6.1.0-9-amd64 is not installed here; nothing was changed" "a kernel that is not there is told"
settle install -a 6.1.0-9-amd64
is "$status $output" "0 " "not to a hook"
for words in "install --help" "install -a -x" "remove $first" ""; do
	# shellcheck disable=SC2086  # words
	settle $words
	like "$status $output" "^2 vsock-netns: usage: " "settle $words: usage"
done

# ---- two at once
machine
mkdir -m 755 "$root/run/vsock-netns"
exec 8>"$root/run/vsock-netns/lock"
/usr/bin/flock 8
settle install
like "$status $output" "^1 vsock-netns: waiting for another .*swap.*still at work; nothing was changed" "beside another or a swap it waits, not for ever"
is "$(cat "$root/did")" "" "... and does nothing"
exec 8>&-
settle install
is "$status $(versions $first)" "0 $ours" "after that it works"
is "$(stat -c %a "$root/run/vsock-netns") $(ls "$root/run")" "700 vsock-netns" "nobody but root can take the lock"
rm "$root/lib/modules/$first/updates/dkms/vhost_vsock.ko"
echo "usr/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko" >"$root/boot/initrd.img-$first"
: >"$root/generator"
settle install
settle remove
is "$(sort -u "$root/keeps")" "" "no child has it"
rm -r "$root/run/vsock-netns"
touch "$root/run/vsock-netns"
settle install
like "$status $output" "^1 .*no lock in .*/run/vsock-netns, for the reason above: mend that, and repeat this" "where no lock can be made, it says so"
rm "$root/run/vsock-netns"
settle install

# ---- a package and make install
like "$output" "in place" "alone it says nothing of another one"
for prefix in usr usr/local; do
	install -D /dev/null "$root/$prefix/share/vsock-netns/settle"
done
settle install
like "$output" "installed twice, .*/usr/local/sbin/vsock-netns: .* make uninstall" "what is installed twice is told"

# ---- stopped half way
for signal in HUP INT TERM; do
	machine
	echo $signal >"$root/signal"
	settle install $first
	like "$status $output" "^1 .*vsock-netns: $first: our modules are not what modprobe finds" "SIG$signal does not stop it half way"
done
machine
settle install $second
echo KILL >"$root/signal"
echo "in place" >"$root/var/log/vsock-netns/$first.log"
settle install $first
like "$status $(verdict $first)" "^137 .*interrupted, so that .*install .*$first" "SIGKILL: the verdict is true"
like "$(verdict $second)" "in place" "... and so is the other's"
rm "$root/signal"
settle install $first
is "$status $(versions $first)" "0 $ours" "... the next time all is mended"

# ---- a full disk
machine
touch "$root/full"
settle install $first
like "$status $output" "^1 .*not written whole.*the kernel's own stay: is the disk full\?" "modules that are not whole are told"
is "$(find "$root/lib/modules/$first" -path '*/updates/*' -type f)" "" "... and taken out"
for directory in updates/dkms updates extra; do
	machine
	mkdir -p "$root/lib/modules/$first/$directory"
	touch "$root/lib/modules/$first/$directory"/{vsock.ko.xz,other.ko}
	settle remove
	is "$status $(ls "$root/lib/modules/$first/$directory")" "0 other.ko" "settle remove: what is no module goes from $directory"
done

# ---- ours do not go
machine
settle install
touch "$root/readonly"
settle remove
like "$status $output" "^1 .*$first: the kernel's own modules are not all back: .*/updates/dkms/vsock.ko is still there; modprobe would load .*/updates/dkms/vsock.ko as vsock\\. Mend" \
	"settle remove: what stays is told"
like "$output" "Read-only file system" "... with the reason"
like "$output" "Mend that, then: rm '.*/updates/dkms/vsock.ko' '.*/vsock_loopback.ko' '.*/vhost_vsock.ko' && depmod -a $first" "... and what can be done without it"
like "$(verdict $first)" "not all back.*Read-only file system" "... which is kept"
rm "$root/readonly"
by_hand=$(sed -n "s/.*$first: the .*Mend that, then: //p" <<<"$output")
ok "... it can be typed" sh -c "$by_hand"
is "$(versions $first) $(versions $second)" " $ours" "... and does it"
settle remove
is "$status $(versions $first)$(versions $second)$(ls "$root/var/log")" "0 " "... after that all goes, the verdicts too" || diag "$output"
machine
settle install
touch "$root/readonly" "$root/fails.$first"
sed -i 's/^version=.*/version=1.9/' "$root/lib/modules/$first/updates/dkms/vsock.ko"
settle install $first
like "$status $output" "^1 .*$first: the kernel's own modules are not all back.*Mend that, and repeat this" "settle install: the kernel's own are not said to stay when they do not"
machine
settle install
touch "$root/loses"
settle remove
like "$status $output" "^1 .*$first: the kernel's own modules are not all back: modprobe would load nothing as vsock\\. .*comes back with the kernel's package" "nor when one is lost"
is "$(ls "$root/var/log/vsock-netns")" "$first.log" "... of the others nothing is kept"
machine
settle install
exec 8>"$root/run/vsock-netns/lock"
/usr/bin/flock 8
settle remove
like "$status $output" "^1 .*still at work; nothing was changed.*should settle be gone by then:.* rm '$root/lib/modules/$first/.*depmod -a $first" \
	"settle remove beside another: what can be done without it"
exec 8>&-
# DKMS has the kernel's own, and they cannot be put back.
machine
settle install
mkdir -p "$tree/original_module/$first/x86_64" "$root/lib/modules/$first/updates/it's"
stock=$root/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko
mv "$stock" "$tree/original_module/$first/x86_64/"
echo "${stock#"$root"}" >"$tree/original_module/$first/x86_64/vsock.ko.origin"
cp "$root/lib/modules/$first/updates/dkms/vsock.ko" "$root/lib/modules/$first/updates/it's/"
echo "usr/lib/modules/$first/updates/dkms/vsock.ko" >"$root/boot/initrd.img-$first"
echo 'echo made >"$image"' >"$root/generator"
touch "$root/readonly"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/mv"
chmod 755 "$scratch/bin/mv"
settle remove
rm "$root/readonly" "$scratch/bin/mv"
by_hand=$(sed -n "s/.*$first: the .*Mend that, then: //p" <<<"$output")
ok "settle remove: what can be typed has the kernel's own module where it was" sh -c "$by_hand && test -s '$stock'" || diag "$output"
is "$(find "$root/lib/modules/$first/updates" -type f) $(cat "$root/boot/initrd.img-$first")" " made" "... nothing of ours is left, nor in the initramfs"

# ---- the initramfs
# image: a machine whose initramfs has the stock module; its generator is stdin.
image() {
	machine
	cat >"$root/generator"
	echo "usr/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko" >"$root/boot/initrd.img-$first"
	settle install $first
}
image <<<'echo "usr/lib/modules/$3/updates/dkms/vsock.ko" >"$image"'
like "$status $output" "^0 .*$first: our modules are built and in place, in the initramfs too" "an initramfs with the stock module is made anew"
is "$(ls "$root/var/tmp")" "" "... no copy is left"
image <<<':'
like "$status $output" "^1 .*initrd.img-$first still has others, and loads them first" "one that is as before is told"
for generator in 'rm "$image"; echo dracut: starting; echo "dracut: No space left on device"; exit 1' \
	'echo half >"$image"; echo "dracut: No space left on device"; exit 1' ': >"$image"; echo "dracut: No space left on device"'; do
	image <<<"$generator"
	like "$status $output" "^1 .*the initramfs could not be made: dracut: No space left on device\. .*$first is the old one, which" "$generator: is told"
	like "$(cat "$root/boot/initrd.img-$first")" "kernel/net/vmw_vsock" "... the old one is there"
	is "$(ls "$root/var/tmp")" "" "... no copy is left"
done
image <<<'ln -sf /nowhere/image "$image"; exit 1'
like "$status $output" "^1 .*could not be made: nothing was said\\. .*$first may not boot any more, and $root/var/tmp/.* is the old one\\. Before a reboot: update-initramfs -u -k $first" \
	"when it cannot be put back, that is told"
machine
rmdir "$root/var/tmp"
echo "usr/lib/modules/$first/kernel/net/vmw_vsock/vsock.ko" >"$root/boot/initrd.img-$first"
echo 'rm "$image"; exit 1' >"$root/generator"
settle install $first
like "$status $output" "^1 .*$first may not boot any more\\. Before a reboot: update-initramfs -u -k $first" "nor could it be kept: that is told"
machine
mkdir -p "$root/efi/EFI/Linux"
touch "$root/efi/EFI/Linux/0-$first.efi"
settle install $first
like "$status $output" "^0 .*in place; $root/efi/EFI/Linux/0-$first.efi has kernel and initramfs in one: .*Make it anew" "an image that is not looked into is told"
ok "/usr/lib/modules is the same tree as /lib/modules" sh -c 'lib=command/lib; for part in common modules initramfs; do . "$lib/$part.sh"; done
	same_as_on_disk "$1/boot/config-$2" "usr/lib/modules/$2/updates/dkms/vsock.ko" "/usr/lib/modules/$2/updates/dkms/vsock.ko"' same "$root" $first

done_testing
