# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the programs in tests/vm and by tests/run: where things are, and how progress and failure are told.
# shellcheck shell=bash disable=SC2034  # what is set here is used by those who source it

PATH=$PATH:/usr/sbin:/sbin
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=$(realpath -m "${VSOCK_CACHE:-/var/cache/vsock-netns}")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Every kernel that our modules are tested on, and those that "make test" alone means.
all_kernels="5.10 6.1 6.12 debug 6.1-cloud 6.1-rt 6.12-cloud 6.12-rt"
default_kernels="5.10 6.1 6.12"
# A flavour is the same source configured in another way: what locking, scheduling and missing modules can change.
flavour_tests="00-smoke 20-matrix 30-stream 31-seqpacket 33-poll 40-modules 41-stock 51-races"

# The family as distributions ship it, and what its members need that no machine has loaded anyway.
stock_family="vsock vsock_loopback vsock_diag vsockmon vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport
	vmw_vsock_vmci_transport vmw_vmci hv_sock hv_vmbus vhost_vsock vhost vhost_iotlb"

say() { printf '[%s] %s\n' "${0##*/}" "$*" >&2; }
die() { printf '[%s] error: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Make and prove take neither.
case $top$cache in *[[:space:]]*) die "no spaces, please, in the checkout's path or in VSOCK_CACHE" ;; esac

# as_root CMD…: for the few steps that need it, with a clear word when we are not.
as_root() {
	[ "$(id -u)" = 0 ] || die "must be root to run: $*"
	"$@"
}

# quietly LOG CMD…: the output goes to LOG; its end is shown when the command fails.
quietly() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null && return 0
	say "failed: $* (all of it in $log)"
	tail -n 15 "$log" | sed 's/^/    /' >&2
	return 1
}

# use_kernel NAME: gets that kernel and sets what tests/vm/kernel prints.
release="" kernel_dir="" modules="" vmlinux="" kdir="" kernel_cc=""
use_kernel() {
	local assignments
	assignments=$("$top/tests/vm/kernel" "$1") || exit
	eval "$assignments"
}

# collect_stock KERNEL-DIR: the family's modules in one directory, for tests that load a stock module on purpose.
collect_stock() {
	local module
	mkdir "$1/stock"
	for module in $stock_family; do
		find "$1/lib/modules/" -name "$module.ko" -exec ln -t "$1/stock" {} +
	done
}

# print_kernel RELEASE KERNEL-DIR KDIR CC: a kernel in the cache, as assignments for a caller's eval.
print_kernel() {
	printf '%s=%q\n' release "$1" kernel_dir "$2" modules "$2/lib/modules/$1" vmlinux "$2/vmlinux" kdir "$3" kernel_cc "$4"
}
