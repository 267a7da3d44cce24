# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the build's scripts and the command share: what this distribution's packages are installed and removed with, for advice;
# the lock.

# install_command: nothing when the distribution is not known. root: another machine's directory, as in command/lib/common.sh.
install_command() {
	if [ -e "${root:-}/etc/debian_version" ]; then
		echo "apt-get install"
	elif [ -e "${root:-}/usr/bin/pacman" ]; then
		echo "pacman -S"
	elif [ -e "${root:-}/usr/bin/zypper" ]; then
		echo "zypper install"
	elif [ -e "${root:-}/usr/bin/dnf" ]; then
		echo "dnf install"
	fi
}

# package_advice NAME
package_advice() {
	package_command=$(install_command)
	echo "${package_command:-install the package} $1"
}

# removal_advice NAME: how such a package goes again.
removal_advice() {
	package_advice "$1" | sed 's/^apt-get install/apt-get purge/; s/^pacman -S/pacman -R/; s/install/remove/'
}

# headers_advice RELEASE: what to do for a kernel's headers.
headers_advice() {
	case $(install_command) in
	apt-get*) package_advice "linux-headers-$1" ;;
	pacman*)
		# linux, linux-lts and so on: the kernel says of which package it is.
		headers_base=$(cat "${root:-}/usr/lib/modules/$1/pkgbase" 2> /dev/null || :)
		package_advice "${headers_base:-linux}-headers"
		;;
	# The end of a release is the flavour: default, rt.
	zypper*) package_advice "kernel-${1##*-}-devel" ;;
	dnf*) package_advice "kernel-devel-$1" ;;
	*) echo "install the package with its headers (kernel-devel)" ;;
	esac
}

# lock_file: who replaces modules, on disk or in the kernel, locks it with flock. In a directory of root's own: flock wants no
# more than a file that can be opened, so that any user could keep a lock that all can read. root: as above.
lock_file() {
	lock_directory=${root:-}/run/vsock-netns
	# One that is there keeps its mode.
	# shellcheck disable=SC2174  # its parent is no concern of ours
	if mkdir -p -m 700 "$lock_directory" && chmod 700 "$lock_directory"; then
		echo "$lock_directory/lock"
		return
	fi
	echo "vsock-netns: no lock in $lock_directory, for the reason above: mend that, and repeat this" >&2
	return 1
}
