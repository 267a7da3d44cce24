# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests/t/*.t, which are bash scripts that run as root in a test machine: TAP, the modules, namespaces.
# shellcheck shell=bash

tap_count=0 tap_failed=0 tap_planned=""

diag() { printf '# %s\n' "$@" >&2; }

# plan COUNT: known beforehand; done_testing checks it. plan skip REASON: ends the test as skipped.
plan() {
	if [ "$1" = skip ]; then
		echo "1..0 # SKIP $2"
		exit 0
	fi
	tap_planned=$1
	echo "1..$1"
}

# tap_result STATUS NAME: one TAP line; false when the check failed.
tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	diag "failed at ${BASH_SOURCE[2]##*/}:${BASH_LINENO[1]}"
	return 1
}

# ok NAME COMMAND…: the command succeeds. Its output is shown when it does not.
ok() {
	local output status=0
	output=$("${@:2}" 2>&1) || status=$?
	tap_result "$status" "$1" || diag "exit status $status of: ${*:2}" "${output//$'\n'/$'\n'# }"
}

# ok_here NAME COMMAND…: the same, for a command that changes this shell's variables.
ok_here() {
	local status=0
	"${@:2}" >/run/output 2>&1 || status=$?
	tap_result "$status" "$1" || diag "exit status $status of: ${*:2}" "$(sed '2,$s/^/# /' /run/output)"
}

# fails NAME COMMAND…: the command does not succeed.
fails() {
	local output status=1
	output=$("${@:2}" 2>&1) || status=0
	tap_result "$status" "$1" || diag "succeeded: ${*:2}" "${output//$'\n'/$'\n'# }"
}

# is GOT WANT NAME
is() {
	local status=0
	[ "$1" = "$2" ] || status=1
	tap_result "$status" "$3" || diag "got:  $1" "want: $2"
}

# like GOT REGEX NAME: an extended regular expression.
like() {
	local status=0
	[[ $1 =~ $2 ]] || status=1
	tap_result "$status" "$3" || diag "got: $1" "want a match of: $2"
}

# skip REASON NAME…: checks that cannot be made here.
skip() {
	local name
	for name in "${@:2}"; do
		tap_count=$((tap_count + 1))
		echo "ok $tap_count - $name # SKIP $1"
	done
}

# The last command of a test.
done_testing() {
	[ -n "$tap_planned" ] || echo "1..$tap_count"
	[ "${tap_planned:-$tap_count}" = "$tap_count" ] || exit 2
	[ $tap_failed = 0 ] || exit 1
	exit 0
}

# bail REASON: going on makes no sense.
bail() {
	diag "$1"
	exit 255
}

# The kernel under test has the feature itself: nothing here is ours.
native() { [ -n "${NATIVE:-}" ]; }

# wait_until COMMAND…: tries until it succeeds; false after a minute (machines are emulated, and busy).
wait_until() {
	local deadline=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

load_vsock() { modprobe vsock || bail "vsock does not load"; }

load_loopback() { modprobe vsock_loopback || bail "vsock_loopback does not load"; }

load_vhost() { modprobe vhost_vsock || bail "vhost_vsock does not load"; }

# load_stock_vhost: the kernel's own vhost_vsock, which modprobe does not find where there is one of ours.
load_stock_vhost() {
	modprobe -a vhost vmw_vsock_virtio_transport_common && insmod "$STOCK_MODULES/vhost_vsock.ko"
}

# load_stock: what a machine has loaded before anybody installs ours; vhost_vsock last, as it may be ours to replace or not.
load_stock() {
	insmod "$STOCK_MODULES/vsock.ko" &&
		modprobe vmw_vsock_virtio_transport_common &&
		insmod "$STOCK_MODULES/vsock_loopback.ko" &&
		load_stock_vhost
}

our_modules="vsock|vsock_loopback|vhost_vsock"

# foreign_modules: which module of ours has a loaded namesake that is not ours: they differ in the checksum of their sources.
foreign_modules() {
	local file name
	for file in /lib/modules/*/updates/dkms/*.ko; do
		name=$(basename "$file" .ko)
		module_loaded "$name" || continue
		[ "$(cat "/sys/module/$name/srcversion")" = "$(modinfo -F srcversion "$file")" ] || echo "$name"
	done
}

# module_symbols: where the functions of our loaded modules are, for those who find addresses when they are gone.
module_symbols() { grep -E "\[($our_modules)\]\$" /proc/kallsyms; }

module_loaded() { [ -d "/sys/module/$1" ]; }

# unload_all: every module of the family, those first that use others. False when one stays. A closed connection may hold
# its transport for some seconds more, until the peer has answered.
unload_all() {
	local module
	for module in vhost_vsock vsock_loopback vmw_vsock_virtio_transport vmw_vsock_vmci_transport hv_sock vsock_diag \
		vsockmon vmw_vsock_virtio_transport_common vsock; do
		if module_loaded "$module"; then
			wait_until modprobe -r "$module" || return 1
		fi
	done
}

# ns_sysctl NAME ENTRY [VALUE]: reads or writes net.vsock.ENTRY in a namespace ("" is the one we are in).
ns_sysctl() {
	local file=/proc/sys/net/vsock/$2
	if [ $# = 3 ]; then
		ns_exec "$1" sh -c "echo '$3' >$file"
	else
		ns_exec "$1" cat "$file"
	fi
}

# ns_exec NAME COMMAND…: in that network namespace and otherwise where we are: same mounts, so that what the command
# mounts (ip netns add does) is seen here, and /proc/sys is that of the namespace, as it is the reader's.
ns_exec() {
	local name=$1
	shift
	if [ -n "$name" ]; then
		nsenter "--net=/run/netns/$name" -- "$@"
	else
		"$@"
	fi
}

# ns_new NAME [global|local]: child_ns_mode can be written once, so init's is left alone: local namespaces are children
# of a namespace that exists for this alone.
ns_new() {
	local name=$1 mode=${2:-global} parent="" got
	if [ "$mode" = local ]; then
		parent="parent-of-local"
		if [ ! -e /run/netns/$parent ]; then
			ip netns add $parent
			ns_sysctl $parent child_ns_mode local
		fi
	fi
	ns_exec "$parent" ip netns add "$name"
	got=$(ns_sysctl "$name" ns_mode)
	[ "$got" = "$mode" ] || bail "namespace $name is $got, not $mode"
}

ns_delete() { ip netns delete "$1"; }
