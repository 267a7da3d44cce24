# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# For vsock-netns doctor: are the vsock modules in a kernel's initramfs those on its disk?

# image_of RELEASE: the initramfs.
image_of() {
	for image in "$root/boot/initrd.img-$1" "$root/boot/initramfs-$1.img" "$root/boot/initrd-$1"; do
		[ -r "$image" ] || continue
		say "$image"
		return
	done
}

# image_modules IMAGE: which of the replaceable modules are in it, by path.
image_modules() {
	if command -v lsinitramfs > /dev/null; then
		lsinitramfs "$1"
	else
		lsinitrd "$1" | awk '{ print $NF }'
	fi 2> /dev/null | grep -E '(^|/)(vsock|vsock_loopback|vhost_vsock)\.ko(\.[a-z0-9]+)?$'
}

# image_copy IMAGE PATH: writes the file to stdout. False when there is no tool for that.
image_copy() {
	if command -v lsinitrd > /dev/null; then
		lsinitrd -f "$2" "$1"
	elif command -v unmkinitramfs > /dev/null; then
		image_scratch=$(mktemp -d) || return
		unmkinitramfs "$1" "$image_scratch" 2> /dev/null
		# With microcode in the image, the rest is one directory further down.
		cat "$image_scratch/$2" "$image_scratch/main/$2" 2> /dev/null
		rm -rf "$image_scratch"
	else
		return 1
	fi
}

# check_image RELEASE: an old copy in the initramfs is loaded before the right one can be.
check_image() {
	image=$(image_of "$1")
	[ -n "$image" ] || return 0
	if ! command -v lsinitramfs > /dev/null && ! command -v lsinitrd > /dev/null; then
		remark "$1: no lsinitramfs and no lsinitrd here: $image was not looked into"
		return
	fi
	image_stale=
	for image_path in $(image_modules "$image"); do
		image_module=${image_path##*/}
		image_module=${image_module%%.*}
		image_wanted=$(file_of "$1" "$image_module")
		same_as_on_disk "$image" "$image_path" "$image_wanted" || image_stale="$image_stale $image_path"
	done
	if [ -n "$image_stale" ]; then
		problem "$1: $image has other modules than the disk, and loads them first:$image_stale"
		if command -v update-initramfs > /dev/null; then
			advice "update-initramfs -u -k $1"
		else
			advice "dracut --force --kver $1"
		fi
	else
		fine "$1: no old vsock module in ${image#"$root"}"
	fi
}

without_suffix() { say "${1%.ko*}"; }

# same_as_on_disk IMAGE PATH FILE: is the copy the file on disk?
same_as_on_disk() {
	# The usual case needs no unpacking: a copy at another place in the tree is another module. Images have modules
	# without compression of their own.
	[ "$(without_suffix "${3#"$modules/"}")" = "$(without_suffix "${2#*lib/modules/}")" ] || return 1
	image_suffix=${2##*/}
	image_file=$(mktemp -d) || return 0
	if image_copy "$1" "$2" > "$image_file/$image_suffix" && [ -s "$image_file/$image_suffix" ]; then
		[ "$(file_field srcversion "$image_file/$image_suffix")$(file_field version "$image_file/$image_suffix")" = \
			"$(file_field srcversion "$3")$(file_field version "$3")" ]
		image_status=$?
	else
		# Not to be unpacked: a file that came later than the image is not in it.
		[ -z "$(find "$3" -newer "$1" 2> /dev/null)" ]
		image_status=$?
	fi
	rm -rf "$image_file"
	return "$image_status"
}
