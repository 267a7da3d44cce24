#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command vsock-netns on a made-up machine: what it says, what it refuses, and that it puts everything back.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export VSOCK_NETNS_ROOT=$scratch/root
root=$VSOCK_NETNS_ROOT
release=6.1.0-1-amd64
mkdir "$scratch/bin"
for program in uname id modinfo insmod modprobe rmmod nsenter ss stat lsinitramfs unmkinitramfs update-initramfs; do
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

# json_is NAME WANT WORD…: what the words lead to in the output.
json_is() {
	is "$(tests/lib/json "${@:3}" <<<"$output" 2>&1)" "$2" "$1"
}

# ---- usage
machine
run
is $status 2 "without a command: usage"
run frobnicate
is $status 2 "an unknown command"
run status --dry-run
is "$status $output" "2 vsock-netns: status does not know '--dry-run'; see vsock-netns help" "an option of another command"
run version
is "$output" "vsock-netns $(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)" "its version is the package's"
run help
is $status 0 "help"
for command in status list swap rollback doctor; do
	like "$output" "  $command " "help has $command"
	like "$(cat command/vsock-netns.bash)" "$command" "the completion has $command"
	like "$(cat command/vsock-netns.8)" "$command" "the manual page has $command"
done

# ---- status
run status
is $status 0 "status, nothing loaded"
like "$output" "no vsock module is loaded" "... says so"
like "$output" "vsock: not loaded; ours is on disk" "... and what comes"
stock_loaded
run status
like "$output" "vsock: stock now; ours 2.0.0 after 'vsock-netns swap' or a reboot" "status, stock loaded, ours installed"
like "$output" "vhost_vsock: stock: nothing changes" "... of vhost_vsock there is none of ours"
run status --json
json_is "status --json: the loaded vsock" '{"kind":"stock","references":0,"srcversion":"S1.0.2.0-k","version":"1.0.2.0-k"}' \
	loaded vsock
json_is "... the one on disk" '"ours"' disk $release modules vsock kind
json_is "... its own loopback has no version" 'null' disk $release modules vhost_vsock version
json_is "... the change" '"swap"' changes vsock change
json_is "... no sysctl" '{}' sysctls
ln -s "$root/sysctls.100" "$root/proc/sys/net/vsock"
sysctls 100 global
run status --json
json_is "... sysctls" '{"child_ns_mode":"global","g2h_fallback":1,"ns_mode":"global"}' sysctls
for want in "7.0.0-1-amd64 native" "5.4.1 old" "4.19.0 old" "6.1.7-other none"; do
	echo "${want% *}" >"$root/release"
	run status --json
	json_is "kernel ${want% *} is ${want#* }" "\"${want#* }\"" kernel support
done
echo $release >"$root/release"
echo CONFIG_VSOCKETS=y >"$root/boot/config-$release"
run status --json
json_is "a built-in vsock" '"builtin"' kernel support

# ---- swap
machine
run swap
is "$status $(did)" "0 " "swap, nothing loaded: nothing is done"
like "$output" "vsock is not loaded" "... says so"
stock_loaded
run swap --dry-run
is "$status $(did) $(loaded)" "0  $all_stock" "swap --dry-run changes nothing"
like "$output" "rmmod vsock.*modprobe vsock.*modprobe vsock_loopback" "... and shows the commands"
run swap
is "$status $(loaded)" "0 $swapped" "swap: ours are loaded, and everything else again" || diag "$output"
like "$output" "Swapped: ours are loaded now: vsock vsock_loopback" "... says so"
like "$output" "Network namespaces that exist are global" "... and what that means for namespaces"
[[ $output != *sysctl.d* ]]
is $? 0 "... and nothing of settings that there are none of"
run swap
is "$status $output" "0 Nothing to do: what is loaded is ours." "a second time there is nothing to do"
: >"$root/did"
run rollback --dry-run
is "$status $(did)" "0 " "rollback --dry-run changes nothing"
like "$output" "insmod $root/lib/modules/$release/$family/vsock.ko" "... and shows where the stock module is"
run rollback
is "$status $(loaded)" "0 $all_stock" "rollback: the stock ones are loaded again" || diag "$output"
like "$output" "Ours is still installed" "... says what a reboot does"
run rollback
is "$status $output" "0 Nothing to do: what is loaded is the kernel's own." "a second time there is nothing to do"

# The DKMS of today moves the stock module away.
machine
stock_loaded
run swap
mkdir -p "$root/var/lib/dkms/vsock-netns/original_module/$release/x86_64"
mv "$root/lib/modules/$release/$family"/vsock{,_loopback}.ko "$root/var/lib/dkms/vsock-netns/original_module/$release/x86_64/"
run rollback
is "$status $(loaded)" "0 $all_stock" "rollback finds the stock modules where DKMS put them" || diag "$output"

machine
stock_loaded
mkdir -p "$root/etc/sysctl.d"
echo 'net.vsock.child_ns_mode = local' >"$root/etc/sysctl.d/vsock.conf"
sysctls 100 local
ln -s "$root/sysctls.100" "$root/proc/sys/net/vsock"
run swap
like "$output" "net.vsock is set in $root/etc/sysctl.d/vsock.conf at boot" "swap tells of settings that wait for a boot"
like "$output" "Network namespaces that exist, other than the initial one, are local" "... and of namespaces that are local"

# Every single step that can fail: rmmod and modprobe of each, insmod when going back.
machine
stock_loaded
keep stock
run swap
swap_steps=$(cat "$root/did")
: >"$root/did"
keep swapped
while read -r step; do
	again stock
	echo "$step" >"$root/fail"
	run swap
	case $step in
	"modprobe vmw_"* | "modprobe vhost_vsock")
		# The same command fails when putting back: what can be is.
		is "$status" 6 "swap: when '$step' fails for good, it says that not all is back" || diag "$output"
		like "$output" "not everything could be put back:.* ${step#* }" "... says what is not"
		like "$(loaded)" "vsock:stock" "... but vsock is"
		;;
	*) is "$status $(loaded)" "5 $all_stock" "swap: when '$step' fails, everything is put back" || diag "$output" ;;
	esac
done <<<"$swap_steps"
again swapped
run rollback
rollback_steps=$(cat "$root/did")
while read -r step; do
	[[ $step != "modprobe vmw_"* && $step != "modprobe vhost_vsock" ]] || continue
	again swapped
	echo "$step" >"$root/fail"
	run rollback
	is "$status $(loaded)" "5 $swapped" "rollback: when '$step' fails, everything is put back" || diag "$output"
done <<<"$rollback_steps"

# A newer build.
again swapped
ours vsock "" 2.0.1
ours vsock_loopback vsock 2.0.1
run swap
is "$status $(cat "$root/sys/module/vsock/version")" "0 2.0.1" "swap brings a newer build" || diag "$output"
like "$output" "no longer on disk" "... and says that the old one is gone"
ours vsock "" 2.0.2
ours vsock_loopback vsock 2.0.2
echo "modprobe vsock_loopback" >"$root/fail"
run swap
is "$status $(loaded)" "5 $all_stock" "... when it does not load, the stock ones work" || diag "$output"

# ---- refusals
again stock
echo 1000 >"$root/id"
run swap
is "$status $output" "1 vsock-netns: vsock-netns swap needs root" "swap needs root"
rm "$root/id"
echo 7.1.3-1-amd64 >"$root/release"
run swap
is "$status $(did)" "4 " "swap declines on 7.x"
like "$output" "have network namespace modes for vsock themselves" "... politely"
run rollback
is "$status" 4 "and so does rollback"
echo $release >"$root/release"
rm "$root/lib/modules/$release/updates/dkms/vsock_loopback.ko"
run swap
is "$status $(did)" "1 " "swap does not take half a set"
like "$output" "vsock_loopback on $release, not ours" "... says which"
ours vsock_loopback vsock
mkdir -p "$root/sys/module/module/parameters"
echo Y >"$root/sys/module/module/parameters/sig_enforce"
run swap
is "$status $(did)" "1 " "swap does not try unsigned modules where signatures are enforced"
rm -r "$root/sys/module/module"
rm "$root/lib/modules/$release/$family/vsock.ko"
run swap
is "$status $(did)" "1 " "swap does not begin without a way back"
stock vsock "" 1.0.2.0-k
mkdir -p "$root/proc/sys/kernel"
echo 1 >"$root/proc/sys/kernel/modules_disabled"
run swap
is "$status $(did)" "1 " "swap does not begin where no module can be loaded"
rm "$root/proc/sys/kernel/modules_disabled"
mkdir -p "$root/sys/module/alien/holders"
: >"$root/sys/module/vsock/holders/alien"
run swap
is "$status $(did)" "1 " "swap does not touch modules that it does not know"
like "$output" "the module alien uses vsock" "... names it"
rm -r "$root/sys/module/alien" "$root/sys/module/vsock/holders/alien"
exec 7>"$root/run/vsock-netns.lock"
flock 7
run swap
is "$status $(did)" "1 " "two at a time do not work"
exec 7>&-

# Holders.
id64=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
process 700 "sshd" 100 /system.slice/ssh.service
open_file 700 4 "socket:[4711]"
process 800 'evil ",pid=1,fd=9' 200 "/machine.slice/libpod-$id64.scope/container"
open_file 800 5 "socket:[4712]"
process 900 qemu-system-x86 100 '/machine.slice/machine-qemu\x2d1\x2dvm1.scope/libvirt' \
	qemu-system-x86_64 -name guest=vm1,debug-threads=on -device '{"driver":"vhost-vsock-pci","guest-cid":42}'
open_file 900 20 /dev/vhost-vsock
process 950 guest-agent 100 /system.slice/agent.service
open_file 950 3 /dev/vsock
echo 'v_str LISTEN 0 0 *:22 *:* users:(("sshd",pid=700,fd=4))' >"$root/sockets.100"
echo 'v_str ESTAB 0 0 2:999 42:1234 users:(("evil ",pid=1,fd=9",pid=800,fd=5))' >"$root/sockets.200"
open_file 1 9 "socket:[1]"
echo 6 >"$root/sys/module/vsock/refcnt"
echo 1 >"$root/sys/module/vhost_vsock/refcnt"
run swap
is "$status $(did) $(loaded)" "3  $all_stock" "swap refuses when somebody uses the modules"
like "$output" "vsock: 2 references" "... how many references"
like "$output" "vhost_vsock: 1 reference" "... and of which else"
like "$output" 'socket LISTEN \*:22 -> \*:\*: sshd \(pid 700, unit ssh.service\)' "... names a listener"
like "$output" 'socket ESTAB 2:999 -> 42:1234: evil ",pid=1,fd=9 \(pid 800, unit libpod-.*\.scope, container 0123456789ab\)' \
	"... names a socket in a container"
like "$output" 'VM vm1, CID 42: qemu-system-x86 \(pid 900, unit machine-qemu\\x2d1\\x2dvm1.scope' "... names a VM"
like "$output" '/dev/vsock: guest-agent \(pid 950, unit agent.service\)' "... names who has the device open"
[[ $output != *"systemd (pid 1"* ]]
is $? 0 "... and nobody whom a process only calls itself after"
like "$output" "a reboot activates" "... and says that a reboot helps"
run swap --dry-run
is "$status" 3 "... the same with --dry-run"
rm "$root"/sockets.*
echo 0 >"$root/sys/module/vhost_vsock/refcnt"
rm "$root"/proc/9*/fd/*
run swap
is "$status" 3 "a use that has no name is one too"
like "$output" "was not found" "... says so"

# ---- list
sysctls 100 global
sysctls 200 local
sysctls 300 local
sysctls 400 global
sysctls 500 global
echo 300 >"$root/run/netns/red"
echo 500 >"$root/run/netns/"$'a \\040b'
cat >"$root/proc/self/mountinfo" <<'MOUNTS'
30 20 0:4 net:[300] /run/netns/red rw shared:1 - nsfs nsfs rw
31 20 0:4 net:[500] /run/netns/a\040\134040b rw shared:1 - nsfs nsfs rw
MOUNTS
open_file 700 8 "net:[400]"
open_file 900 20 /dev/vhost-vsock
printf 'pos:\t0\nvhost-vsock-cid:\t43\nvhost-vsock-netns:\t200\n' >"$root/proc/900/fdinfo/20"
process 901 'q"e\mu' 300 / qemu -device vhost-vsock-pci,guest-cid=44 -device vhost-vsock-pci,guest-cid=45
open_file 901 21 /dev/vhost-vsock
echo 'v_str LISTEN 0 0 *:22 *:* users:(("sshd",pid=700,fd=4))' >"$root/sockets.100"
echo 'v_str ESTAB 0 0 2:999 43:1234 users:(("x",pid=800,fd=5))' >"$root/sockets.200"
run list
is $status 0 "list"
like "$output" $'\n'"\(initial\) +100 +global +4 +1 +0"$'\n' "... the initial namespace"
like "$output" $'\n'"container 0123456789ab +200 +local +1 +1 +1"$'\n' "... a container's"
like "$output" "guest   CID 43  vm1: qemu-system-x86 \(pid 900.*ports 1234" "... its guest, as our vhost_vsock tells, and its port"
like "$output" $'\n'"red +300 +local +1 +0 +1"$'\n' "... one of ip netns"
like "$output" 'guest   CID unknown  q"e\\mu \(pid 901' "... whose guest has a CID that is not known"
like "$output" $'\n'"\(nameless\) +400 +global +0 +0 +0" "... one that is only held open"
like "$output" $'\n''a \\040b +500 +global +0 +0 +0' "... one with a space and a backslash in its name"
run list --json
json_is "list --json: namespaces" 100 namespaces 0 inode
json_is "... a name that needs quotes" '"q\"e\\mu"' namespaces 2 guests 0 process command
json_is "... an unknown CID" null namespaces 2 guests 0 cid
json_is "... the names" '["/run/netns/red"]' namespaces 2 names
json_is "... an odd one" '["/run/netns/a \\040b"]' namespaces 4 names
for word in 46:46 0x2e:46 0X2E:46 056:46 007:7 08:null 4x:null 0:0; do
	printf '%s\0' qemu -device "vhost-vsock-pci,guest-cid=${word%:*},id=x" >"$root/proc/901/cmdline"
	run list --json
	json_is "... guest-cid=${word%:*}" "${word#*:}" namespaces 2 guests 0 cid
done
printf '%s\0' qemu -device vhost-vsock-pci,guest-cid=44 -device vhost-vsock-pci,guest-cid=45 >"$root/proc/901/cmdline"
json_is "... a CID, and the ports" '{"cid":43,"name":"vm1","ports":[1234],"process":{"command":"qemu-system-x86","container":"qemu-1-vm1","pid":900,"unit":"machine-qemu\\x2d1\\x2dvm1.scope"}}' \
	namespaces 1 guests 0
json_is "... a socket" '{"cid":null,"port":22}' namespaces 0 sockets 0 local

# Hostile processes: what they choose forges no line and no field, and does not reach the terminal as it is.
keep friendly
esc=$'\e'
process 810 "x), systemd (pid 1" 300 "/a"$'\t'"b${esc}[2J\"),x.service/lxc.payload.c$esc]0;(pid 1)" \
	qemu -name $'guest=v\tm"\e[2J\\\r),x' -device vhost-vsock-pci,guest-cid=46
printf 'x\e[1m"\t),\n' >"$root/proc/810/comm"
open_file 810 3 "socket:[4810]"
open_file 810 4 $'/tmp/x\n1/fd/3 /dev/vhost-vsock'
open_file 810 5 $'/tmp/vsock'
open_file 810 6 $'/tmp/x\n1/fd/3 net:[666]/vsock'
open_file 810 7 /dev/vhost-vsock
# As ss prints the names of three processes, each of which has 15 characters: a line of a sysctl, the beginning of a socket
# with an escape sequence, and somebody else's socket.
cat >"$root/sockets.300" <<-SS
	v_str LISTEN 0 0 *:77 *:* users:(("
	ns_mode global
	",pid=810,fd=3),("
	v_str ES 0 0 ${esc}[",pid=810,fd=3),("x",pid=700,fd=4)",pid=810,fd=3))
	??? ESTAB 0 0 1:78 1:79
SS
echo 301 >"$root/swapped.400"
sysctls 400 local
run list
is $status 0 "list, with hostile processes"
is "$(tr -d ' -~\n' <<<"$output" | od -c)" "$(od -c </dev/null)" "... prints nothing but printable characters" || diag "$output"
is "$(grep -c '^    guest' <<<"$output")" 3 "... takes no other file for a guest"
is "$(grep -c '^    socket' <<<"$output")" 4 "... and no name for a socket"
like "$output" $'\n'"red, container c\?]0;\[pid 1\] +300 +local +2 +2 +2"$'\n' "... or for a mode"
like "$output" 'socket  LISTEN  \*:77 -> \*:\*  x\?\[1m"\?\], \(pid 810, a\?b\?\[2J"\],x.service, container c\?]0;\[pid 1\]\)'$'\n' \
	"... names the process of a socket, and no other; parentheses are not its own"
like "$output" "network namespace 400 could not be looked into, by .*/proc/700/fd/8" "... says which file led elsewhere"
like "$output" $'\n'"\(nameless\) +400 +- +0 +0 +0" "... and has no mode from there"
output=$(command/vsock-netns list --json 2>/dev/null)
json_is "list --json, with hostile processes" '"x?[1m\"?),"' namespaces 2 sockets 0 processes 0 command
json_is "... their unit" '"a?b?[2J\"),x.service"' namespaces 2 sockets 0 processes 0 unit
json_is "... their guest" '"v?m\"?[2J\\?)"' namespaces 2 guests 0 name
echo 1 >"$root/sys/module/vhost_vsock/refcnt"
run swap
is "$status" 3 "swap, with hostile processes"
is "$(tr -d ' -~\n' <<<"$output" | od -c)" "$(od -c </dev/null)" "... prints nothing but printable characters" || diag "$output"
[[ $output != *"pid 1)"* && $output != *"pid 1,"* && $output != */dev/vsock* ]]
is $? 0 "... and names nobody who does not hold anything" || diag "$output"
like "$output" 'VM v\?m"\?\[2J\\\?\], CID 46: x' "... but the one who does"
printf 'author=The vsock-netns authors\nversion=2\e[2J\t"0\n' >"$root/lib/modules/$release/updates/dkms/vsock.ko"
for command in status doctor; do
	run $command
	is "$(tr -d ' -~\n' <<<"$output" | od -c)" "$(od -c </dev/null)" "$command, with a hostile version: printable" || diag "$output"
	run $command --json
	like "$(tests/lib/json <<<"$output" 2>&1)" '2\?\[2J\?\\?"0' "... and JSON"
done
# A file that cannot be opened at once; the time limit is shortened here.
mkfifo "$scratch/fifo"
rm "$scratch/bin/nsenter"
# shellcheck disable=SC2016  # for the inner shell
output=$(timeout 20 sh -c '. command/lib/common.sh; . command/lib/machine.sh; within() { shift; timeout 1 "$@"; }
	look_inside 400 "$1" no' look "$scratch/fifo" 2>&1)
is "$output" "vsock-netns: network namespace 400 could not be looked into, by $scratch/fifo" "list does not wait for a process"
ln -s "$PWD/tests/lib/fake-machine" "$scratch/bin/nsenter"
again friendly

rm "$root/lib/modules/$release/$family/vsock_diag.ko"
run list
like "$output" "Sockets are not listed: this kernel has no vsock_diag" "list without vsock_diag says so"
run list --json
json_is "... and does not claim that there is none" null namespaces 0 sockets

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
machine
mkdir -p "$root/etc/modprobe.d"
echo 'install vsock /bin/false' >"$root/etc/modprobe.d/hardening.conf"
sick "a forbidden module" "vsock is not loaded but a command is run in its place.*hardening.conf"
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

# ---- installed
mkdir "$scratch/installed"
ok "it installs" env DESTDIR="$scratch/installed" command/install /usr
is "$("$scratch/installed/usr/sbin/vsock-netns" version)" "$(command/vsock-netns version)" "and runs from there"
ok "and the same as from the checkout" diff <("$scratch/installed/usr/sbin/vsock-netns" status) <(command/vsock-netns status)
for file in man/man7/vsock-netns.7 man/man8/vsock-netns.8 bash-completion/completions/vsock-netns; do
	ok "with $file" test -s "$scratch/installed/usr/share/$file"
done
is "$(find "$scratch/installed" -type f ! -perm 644 -printf '%m %P\n')" "755 usr/sbin/vsock-netns" "for all to read"
ok "it uninstalls" env DESTDIR="$scratch/installed" command/install -u /usr
is "$(find "$scratch/installed" -type f)" "" "and leaves nothing"
for page in command/vsock-netns.8 docs/vsock-netns.7; do
	if command -v man >/dev/null; then
		is "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z $page 2>&1 >/dev/null)" "" "$page has no mistakes"
	else
		skip "no man here" "$page has no mistakes"
	fi
done

done_testing
