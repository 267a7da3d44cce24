# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the build scripts share: where the tree is, which kernel is meant, which compiler builds for it.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TOP
# shellcheck source=scripts/headers.sh
. "$TOP/scripts/headers.sh"

die() {
	echo "vsock-netns: $*" >&2
	exit 1
}

package_version() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$TOP/dkms.conf"
}

# config_value KDIR NAME: the value in the kernel's configuration, without quotes; nothing when unset.
config_value() {
	local file
	for file in "$1/.config" "$1/include/config/auto.conf"; do
		[ -r "$file" ] || continue
		sed -n "s/^$2=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$file"
		return
	done
}

# release_of KDIR: the kernel release that a build tree is for. utsrelease.h is what the modules' vermagic is made from;
# Debian 11 has another string in kernel.release.
release_of() {
	if [ -r "$1/include/generated/utsrelease.h" ]; then
		sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$1/include/generated/utsrelease.h"
	elif [ -r "$1/include/config/kernel.release" ]; then
		cat "$1/include/config/kernel.release"
	fi
}

# Sets KDIR and RELEASE from KVER and KDIR, either of which may be empty.
find_kernel() {
	case $TOP in
	*[[:space:]:]*) die "the path '$TOP' has a space or colon in it, which the kernel's build system cannot handle" ;;
	esac
	if [ -z "${KDIR:-}" ]; then
		RELEASE=${KVER:-$(uname -r)}
		KDIR=/lib/modules/$RELEASE/build
		[ -r "$KDIR/Makefile" ] ||
			die "no headers for kernel $RELEASE ($KDIR): $(headers_advice "$RELEASE"), or choose with KVER= or KDIR="
	else
		[ -r "$KDIR/Makefile" ] || die "KDIR=$KDIR is not a kernel build tree (no Makefile)"
		RELEASE=${KVER:-$(release_of "$KDIR")}
		[ -n "$RELEASE" ] || die "KDIR=$KDIR is not prepared: run 'make modules_prepare' there"
	fi
	KDIR=$(cd "$KDIR" && pwd -P)
	case $KDIR in
	*[[:space:]:]*) die "KDIR=$KDIR has a space or colon in it, which the kernel's build system cannot handle" ;;
	esac
}

# Sets COMPILER: what was asked for, else the one that built the kernel if it is here, else gcc.
find_compiler() {
	local named candidate words
	named=$(config_value "$KDIR" CONFIG_CC_VERSION_TEXT)
	named=${named%% *}
	if [ -n "${CC_REQUEST:-}" ]; then
		COMPILER=$CC_REQUEST
		command -v "${COMPILER%% *}" > /dev/null ||
			die "CC=$COMPILER: no such compiler"
		return
	fi
	# Not every installation has the compiler under its cross name.
	for candidate in "${CC_HINT:-}" "$named" "gcc-${named##*gcc-}" gcc; do
		# It may be several words, as in "ccache gcc".
		read -r -a words <<< "$candidate"
		[ "${#words[@]}" -gt 0 ] || continue
		command -v "${words[0]}" > /dev/null || continue
		COMPILER=${words[*]}
		return
	done
	die "no compiler: kernel $RELEASE was built with ${named:-gcc}; install it"
}

# supported KDIR RELEASE: does dkms.conf accept this kernel?
supported() (
	# shellcheck disable=SC2034 # read by dkms.conf
	kernelver=$2 kernel_source_dir=$1
	# shellcheck source=/dev/null
	. "$TOP/dkms.conf"
	[[ $2 =~ $BUILD_EXCLUSIVE_KERNEL ]]
)

# The releases of the supported kernels whose headers are installed.
installed_kernels() {
	local dir release
	for dir in /lib/modules/*/build; do
		release=$(basename "$(dirname "$dir")")
		[ -r "$dir/Makefile" ] && supported "$dir" "$release" && echo "$release"
	done | sort -V
}

# hooks_here: which of packaging/kernel-hooks this machine's kernels call.
hooks_here() {
	if [ -e /etc/debian_version ]; then
		echo debian
	elif [ -d /usr/lib/kernel/install.d ]; then
		echo kernel-install
	else
		echo none
	fi
}
