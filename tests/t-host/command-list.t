#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command vsock-netns on a made-up machine: who uses vsock there, and what hostile processes make of that.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh
. tests/lib/fake-machine.sh

machine
stock_loaded

# ---- units and containers
id64=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
other64=${id64//0/f}
process 600 x 100 /
while read -r unit container cgroup; do
	printf '0::%s\n' "$cgroup" >"$root/proc/600/cgroup"
	is "$(parts place_of 600)" "${unit#-}"$'\t'"${container#-}" "unit and container of $cgroup"
done <<PLACES
init.scope - /init.scope
ssh.service - /system.slice/ssh.service
ssh.service - /system.slice/ssh.service/libvirtd.service
systemd-nspawn@web.service web /machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service
machine-qemu\\x2d1\\x2dvm1.scope qemu-1-vm1 /machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator
libpod-$id64.scope 0123456789ab /machine.slice/libpod-$id64.scope/container/libpod-$other64.scope/libvirtd.service
docker-$id64.scope 0123456789ab /system.slice/docker-$id64.scope/init.scope
cri-containerd-$id64.scope 0123456789ab /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-$id64.scope
- 0123456789ab /kubepods/burstable/pod1-2/$id64/system.slice/ssh.service
- tenant1 /lxc.payload.tenant1/lxc.payload.tenant2
- tenant1 /lxc.payload.tenant1/system.slice/ssh.service
session-2.scope - /user.slice/user-1000.slice/session-2.scope
user@1000.service - /user.slice/user-1000.slice/user@1000.service/init.scope
user@1000.service/a.scope - /user.slice/user-1000.slice/user@1000.service/app.slice/app-a.slice/a.scope/b.service
user@1000.service/libpod-$id64.scope 0123456789ab /user.slice/user-1000.slice/user@1000.service/user.slice/libpod-$id64.scope/container
PLACES
rm -r "$root/proc/600"

# ---- who holds the modules
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
# Others that only call themselves sshd.
for name in sshdx sshd; do
	keep holders
	place=/system.slice/x.service
	[ $name = sshdx ] || place=/machine.slice/libpod-$id64.scope/system.slice/sshd.service
	process 710 $name 100 "$place"
	open_file 710 4 "socket:[4711]"
	echo 'v_str LISTEN 0 0 *:22 *:* users:(("x",pid=710,fd=4))' >"$root/sockets.100"
	printf '%s\0' qemu -name 'guest=x: sshd' >"$root/proc/900/cmdline"
	run swap
	like "$output" "$name \\(pid 710.*end them and try again" "... that they can be ended, where $name is not the host's sshd"
	again holders
done
open_file 1 4 "socket:[4711]"
echo 'v_str LISTEN 0 0 *:22 *:* users:(("x",pid=1,fd=4))' >"$root/sockets.100"
run swap
like "$output" "systemd \\(pid 1, .*a reboot activates" "... that a reboot helps, where pid 1 listens"
again holders
# Decoys, before and behind the device.
rm "$root/proc/950/fd/3"
for fd in {7..9} 30 31 {40..42}; do
	case $fd in
	3?) open_file 950 "$fd" /dev/vsock ;;
	*) open_file 950 "$fd" /tmp/vsock ;;
	esac
done
run swap
is "$(grep -c '/dev/vsock: guest-agent (pid 950' <<<"$output")" 1 "... names who has the device open beside decoys, once"
# Files that take forever to look at.
process 940 slow 100 /system.slice/slow.service
for fd in {3..99}; do
	open_file 940 "$fd" /slow/vsock
done
output=$(parts devices vsock 2>&1)
is "$?" 0 "looking for a device does not wait for each file"
like "$output" "files of slow \\(pid 940, unit slow.service\\) could not be looked at: it may have /dev/vsock open" "... says whom that concerns"
like "$output" $'\n'"950 30" "... and looks at the others"
for what in "devices vsock:not all processes could be looked at" "guest_records:not all processes could be looked at" \
	"namespace_records:[0-9]+ network namespaces were not looked into" \
	"monitor_records:[0-9]+ network namespaces were not searched for vsockmon interfaces"; do
	like "$(parts "machine_deadline=0; ${what%:*}" 2>&1)" "it took too long: ${what#*:}" "... when it took too long, ${what%:*} says so"
done
again holders
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
json_is "... nothing is left out" '[]' left_out
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
like "$output" '"left_out": \["network namespace 400 could not be looked into, by [^"]*/proc/700/fd/8"\]}$' "... what is not in the answer"
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
# A file that is no namespace, and waits for whoever opens it.
mkfifo "$scratch/fifo"
output=$(parts look_inside 400 "$scratch/fifo" modes 2>&1)
is "$output" "vsock-netns: network namespace 400 could not be looked into, by $scratch/fifo" "list does not open such a file"
again friendly

# What it cannot find out.
echo --processes >"$root/ss-fails"
run list
like "$output" "the processes that have the sockets of network namespace 100 could not be found" "list tells that sockets have no names"
like "$output" '"\*:22 -> \*:\*"|socket  LISTEN  \*:22 -> \*:\*' "... and shows them"
echo --vsock >"$root/ss-fails"
run list
like "$output" "network namespace 100 could not be looked into" "list does not take an error for no sockets"
rm "$root/ss-fails"
rm "$root/proc/900/fd/20"
open_file 900 20 "/dev/vhost-vsock (deleted)"
is "$(parts open_files)" "700 8 net:[400]"$'\n'"900 20 vhost-vsock"$'\n'"901 21 vhost-vsock" "a device whose name was deleted"
again friendly
# A socket that very many have, or one process very often.
{
	printf 'sockets\nv_str LISTEN 0 0 *:22 *:* users:('
	for ((fd = 10; fd < 30000; fd++)); do
		printf '("sshd",pid=700,fd=%s),' $fd
	done
	printf '("sshd",pid=700,fd=4))\n'
} >"$scratch/sockets"
is "$(parts "socket_records 100 <$scratch/sockets")" "socket"$'\t'"100"$'\t'"LISTEN"$'\t'"*:22"$'\t'"*:*"$'\t'"700" \
	"a socket that a process has very often"
is "$(left_out=$scratch/note parts leave_out it 2>&1; ls "$scratch/note" 2>&1)" \
	"vsock-netns: it"$'\n'"ls: cannot access '$scratch/note': No such file or directory" "nothing is written where the environment says"
echo --vsock >"$root/ss-fails"
# Where nothing can be written, and which is not removed.
printf '%s\n' "#!/bin/sh" "echo $scratch/bin" >"$scratch/bin/mktemp"
chmod 755 "$scratch/bin/mktemp"
is "$(command/vsock-netns list --json 2>/dev/null)" "" "no answer when what was left out cannot be noted"
rm "$scratch/bin/mktemp" "$root/ss-fails"
for what in "machine_records | with_processes:not all processes are described" \
	"with_processes <$scratch/few:not all processes are described" "named_holders:not all who use the modules are named"; do
	like "$(printf 'guest\t100\t3\t900\tx\n' >"$scratch/few"; parts ". command/lib/swap.sh; machine_deadline=0; ${what%:*}" 2>&1)" \
		"it took too long: " "... when it took too long, ${what%%[ :]*} says so"
done
(exec 2>/dev/null; timeout 1 command/vsock-netns list --json >/dev/full)
is "$(find "$root/run" -name 'vsock-netns.??????')" "" "nothing is left in /run"

rm "$root/lib/modules/$release/$family/vsock_diag.ko"
run list
like "$output" "Sockets are not listed: this kernel has no vsock_diag" "list without vsock_diag says so"
run list --json
json_is "... and does not claim that there is none" null namespaces 0 sockets

done_testing
