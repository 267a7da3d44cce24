#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command vsock-netns with real modules: swap and back, refused while they are in use, undone when one does not load.
# uses: stock
# kernels: 6.1
# vm: timeout=1500
# shellcheck disable=SC2317  # functions are called through ok and wait_until
set -uo pipefail
. tests/lib/guest.sh

tool=$TESTBIN/vsock-tool
release=$(uname -r)
tree=/lib/modules/$release
# What the machine whose files these are has installed is not of interest.
rm -rf /usr/src/vsock-netns-* /var/lib/dkms

# The tree of the tests lacks the stock modules that there are ours of: as DKMS leaves it, it has both. modprobe's tables
# know ours only, as they do where updates come first.
replaced=()
for file in "$tree"/updates/dkms/*.ko; do
	name=${file##*/}
	name=${name%.ko}
	replaced+=("$name")
	# As DKMS does; without that, whoever looks into them reads megabytes.
	strip -g "$file"
	directory=$tree/kernel/net/vmw_vsock
	[ "$name" != vhost_vsock ] || directory=$tree/kernel/drivers/vhost
	mkdir -p "$directory"
	cp "$STOCK_MODULES/$name.ko" "$directory/"
done

# run ARGUMENT…: sets output, which has both streams, and status.
run() {
	status=0
	output=$(command/vsock-netns "$@" 2>&1) || status=$?
}

# kinds: which of those that can be replaced are loaded, and whose they are.
kinds() {
	local name
	for name in "${replaced[@]}"; do
		if ! module_loaded "$name"; then
			echo "$name:none"
		elif [ "$(cat "/sys/module/$name/srcversion" 2>&1)" = "$(modinfo -F srcversion "$tree/updates/dkms/$name.ko")" ]; then
			echo "$name:ours"
		else
			echo "$name:stock"
		fi
	done | paste -s -d ' '
}
all() { printf '%s\n' "${replaced[@]/%/:$1}" | paste -s -d ' '; }

others() { lsmod | awk '/^(v|hv_)/ { print $1 }' | sort | paste -s -d ' '; }

# answer WORD…: of the command's JSON.
answer() { tests/lib/json "$@" <<<"$output" 2>&1; }

hold() {
	rm -f /run/hold.in /run/hold.out
	mkfifo /run/hold.in /run/hold.out
	"$@" </run/hold.in >/run/hold.out &
	holder=$!
	exec 8>/run/hold.in 9</run/hold.out
	read -r -u 9
	pid=$(pgrep -x vsock-tool)
}
let_go() {
	exec 8>&-
	cat <&9 >/dev/null
	exec 9<&-
	wait "$holder"
}

# ---- there and back
ok "the stock modules load" load_stock
before=$(others)
is "$(kinds)" "$(all stock)" "nothing of ours is loaded"
run status --json
is "$status $(answer loaded vsock kind)" '0 "stock"' "status: the loaded vsock is stock"
is "$(answer disk "$release" modules vsock kind)" '"ours"' "status: that on disk is ours"
is "$(answer changes vsock change)" '"swap"' "status: a swap changes that"
is "$(answer sysctls)" '{}' "status: no sysctl"
run swap --dry-run
is "$status $(kinds)" "0 $(all stock)" "swap --dry-run changes nothing" || diag "$output"
run swap
is "$status $(kinds)" "0 $(all ours)" "swap: ours are loaded" || diag "$output"
is "$(others)" "$before" "swap: everything else is loaded again"
is "$(cat /proc/sys/net/vsock/ns_mode)" global "swap: the sysctl is there"
is "$("$tool" pair)" ok "swap: connections work"
run status --json
is "$(answer loaded vsock kind) $(answer sysctls ns_mode)" '"ours" "global"' "status: ours, and the sysctls"
is "$(answer changes vsock change)" '"nothing"' "status: nothing is to be changed"

# ---- what there is on the machine
ns_new red local
hold ns_exec red "$tool" listen 1234
run list
like "$output" $'\n'"red +[0-9]+ +local +1 +1 +0"$'\n'" +socket +LISTEN +\*:1234 -> \*:\* +vsock-tool \(pid $pid" \
	"list: a listener in a local namespace"
like "$output" $'\n'"\(initial\) +[0-9]+ +global" "list: the initial namespace"
run list --json
# After the initial one and the parent.
is "$(answer namespaces 2 ns_mode) $(answer namespaces 2 names)" '"local" ["/run/netns/red"]' "list --json: the namespace"
is "$(answer namespaces 2 sockets 0 local port) $(answer namespaces 2 sockets 0 processes 0 pid)" "1234 $pid" \
	"list --json: the socket"
run rollback
is "$status $(kinds)" "3 $(all ours)" "rollback: refused, for a listener in another namespace"
like "$output" "socket LISTEN \*:1234 -> \*:\*: vsock-tool \(pid $pid\)" "rollback: names it"
exec 6<"/proc/$pid/ns/net"
let_go
inode=$(stat -L -c %i /run/netns/red)
ns_delete red
# Only an open file keeps it; and a file that is none, which would be waited for, or worse, by who opens it.
run list
like "$output" $'\n'"\(nameless\) +$inode +local +0 +0 +0" "list: a namespace that only an open file keeps"
mkfifo /run/trap
# shellcheck disable=SC2016  # for the inner shell
output=$(sh -c 'lib=command/lib
	for part in common modules processes namespaces machine; do . "$lib/$part.sh"; done
	look_inside "$1" /run/trap modes' look "$inode" 2>&1)
is "$output" "vsock-netns: network namespace $inode could not be looked into, by /run/trap" "list: opens nothing else"
exec 6<&-

run rollback
is "$status $(kinds)" "0 $(all stock)" "rollback: the stock ones are loaded" || diag "$output"
fails "rollback: the sysctl is gone" test -e /proc/sys/net/vsock
is "$("$tool" pair)" ok "rollback: connections work"

# ---- in use
# A closed connection holds its transport for some seconds.
idle() {
	local name
	for name in "${replaced[@]}"; do
		[ "$(cat "/sys/module/$name/refcnt")" = "$(find "/sys/module/$name/holders" -mindepth 1 | wc -l)" ] || return 1
	done
}
ok "after a while nothing holds them" wait_until idle
hold "$tool" hold stream
run swap
is "$status $(kinds)" "3 $(all stock)" "swap: refused while there is a connection"
like "$output" "vsock-tool \(pid $pid\)" "swap: names the process"
like "$output" "or reboot" "swap: says that a reboot helps"
is "$("$tool" pair)" ok "swap: connections work"
let_go
ok "after a while nothing holds them" wait_until idle
exec 7<>/dev/vhost-vsock
run swap
is "$status $(kinds)" "3 $(all stock)" "swap: refused while a VM has vhost-vsock"
like "$output" "VM, CID unknown: 80-command.t \(pid $$" "swap: names the VM's process"
exec 7>&-

# ---- a step fails: the kernel itself refuses a module that was built for another one.
# foreign FILE: makes it one, in place; mend puts it right. The release itself does not count where symbols have checksums.
foreign() {
	cp "$1" /run/mended.ko
	sed "s/\(vermagic=[^ ]*\) SMP/\1 UP /" /run/mended.ko >"$1"
	foreign_file=$1
}
mend() { cat /run/mended.ko >"$foreign_file"; }

before=$(others)
for module in vsock vsock_loopback; do
	foreign "$tree/updates/dkms/$module.ko"
	run swap
	is "$status $(others)" "5 $before" "swap: $module does not load, everything is put back" || diag "$output"
	mend
	is "$(kinds)" "$(all stock)" "swap: stock is loaded"
	is "$("$tool" pair)" ok "swap: connections work"
	ok "after a while nothing holds them" wait_until idle
done
run swap
is "$status $(kinds)" "0 $(all ours)" "swap: works once the file is right" || diag "$output"
before=$(others)
for module in vsock vsock_loopback; do
	foreign "$tree/kernel/net/vmw_vsock/$module.ko"
	run rollback
	is "$status $(others)" "5 $before" "rollback: $module does not load, everything is put back" || diag "$output"
	mend
	is "$(kinds)" "$(all ours)" "rollback: ours are loaded"
	is "$("$tool" pair)" ok "rollback: connections work"
done

run doctor
like "$output" "$release: modprobe finds ours: vsock vsock_loopback vhost_vsock, version" "doctor: what is installed" || diag "$output"

done_testing
