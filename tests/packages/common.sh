# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the programs in tests/packages: which distributions there are, and a distribution's files as a root directory.
# shellcheck shell=bash disable=SC2034,SC2154  # used by those who source it; cache, top: tests/vm/common.sh
# shellcheck source=tests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/common.sh"
# shellcheck source=tests/vm/archive.sh
. "$top/tests/vm/archive.sh"

all_distros="bullseye bookworm trixie"
store=$cache/packages

# kernels_of DISTRO: the releases of its own kernel that have headers, oldest first.
kernels_of() {
	local suite=$1-security
	suite_update "$suite" || die "no package list of $suite"
	comm -12 <(suite_packages "$suite" 'linux-headers-[0-9][^-]*(-[0-9]+)?-amd64' | sed 's/^linux-headers-//' | sort) \
		<(suite_packages "$suite" 'linux-image-[0-9][^-]*(-[0-9]+)?-amd64' | sed 's/^linux-image-//' | sort) |
		grep "^$(series_of "$1")\." | grep -v '\.deb11\.' | sort -V
}

# series_of DISTRO: of the kernel that it was released with.
series_of() {
	case $1 in
	bullseye) echo 5.10 ;;
	bookworm) echo 6.1 ;;
	trixie) echo 6.12 ;;
	*) die "no such distribution: $1 (known: $all_distros)" ;;
	esac
}

# in_root DIRECTORY COMMAND…: the command with that directory as its /, and /proc, /sys and /dev as programs expect them.
in_root() {
	local root=$1 proxy
	proxy=$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)
	shift
	# shellcheck disable=SC2016  # for the inner shell
	unshare --mount --fork bash -euc '
		root=$1 && shift
		mount -t proc proc "$root/proc"
		mount -t sysfs -o ro sysfs "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		mount -t tmpfs tmpfs "$root/tmp"
		exec chroot "$root" "$@"' in_root "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive ${proxy:+http_proxy="$proxy"} "$@"
}

# module_tree ROOT KERNEL: every file of its modules, with contents.
module_tree() {
	(cd "$1/lib/modules/$2" && find . ! -type f -printf '%p %y %m %l\n' -o -printf '%p %m ' -exec sha256sum -z {} \; | tr '\0' '\n' | sort)
}
