# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# For vsock-netns doctor: are the vsock modules in a kernel's initramfs those on its disk?

# image_of RELEASE: the initramfs, or the one image that has kernel and initramfs in it. Not to be read is not missing.
image_of() {
	# Arch names images by the kernel's package. Boot loaders of today have a directory for each kernel, below a name of the
	# machine; and the boot partition is in one of three places.
	image_base=$(read_line "$modules/$1/pkgbase")
	for image in "$root/boot/initrd.img-$1" "$root/boot/initramfs-$1.img" "$root/boot/initrd-$1" \
		"$root/boot/initramfs-${image_base:-$1}.img" "$root"/boot/*/"$1"/initr* "$root"/efi/*/"$1"/initr* \
		"$root"/boot/efi/*/"$1"/initr* "$root"/boot/EFI/Linux/*"$1"*.efi "$root"/efi/EFI/Linux/*"$1"*.efi \
		"$root"/boot/efi/EFI/Linux/*"$1"*.efi "$root/boot/EFI/Linux/arch-${image_base:-$1}.efi" \
		"$root/efi/EFI/Linux/arch-${image_base:-$1}.efi"; do
		[ -e "$image" ] || continue
		say "$image"
		return
	done
}

# image_command RELEASE: what makes the initramfs anew; nothing when that is not known.
image_command() {
	if command -v update-initramfs > /dev/null; then
		say "update-initramfs -u -k $1"
	elif command -v dracut > /dev/null; then
		say "dracut --force --kver $1"
	elif command -v mkinitcpio > /dev/null; then
		say "mkinitcpio -P"
	fi
}

# image_lister: the program that reads images here.
image_lister() { command -v lsinitramfs || command -v lsinitrd || command -v lsinitcpio; }

# image_list IMAGE: the paths of all that is in it, or nothing.
image_list() {
	case $(image_lister) in
	*/lsinitrd) lsinitrd "$1" | awk '{ print $NF }' ;;
	*) "$(image_lister)" "$1" ;;
	esac 2> /dev/null
}

# image_modules IMAGE RELEASE: which of the replaceable modules are in it, by path. Those of another kernel are not loaded: an
# image that is named without its release has them until it is made anew.
image_modules() {
	image_list "$1" | grep -F "modules/$2/" | grep -E '(^|/)(vsock|vsock_loopback|vhost_vsock)\.ko(\.[a-z0-9]+)?$'
}

# image_copy IMAGE PATH: writes the file to stdout, nothing when there is no tool for that.
image_copy() {
	if command -v lsinitrd > /dev/null; then
		lsinitrd -f "$2" "$1"
		return
	fi
	image_scratch=$(mktemp -d) || return
	if command -v unmkinitramfs > /dev/null; then
		unmkinitramfs "$1" "$image_scratch" 2> /dev/null
	elif command -v lsinitcpio > /dev/null; then
		(cd "$image_scratch" && lsinitcpio -x "$1") > /dev/null 2>&1
	fi
	# With microcode in the image, the rest is one directory further down.
	cat "$image_scratch/$2" "$image_scratch/main/$2" 2> /dev/null
	rm -rf "$image_scratch"
}

# check_image RELEASE: an old copy in the initramfs is loaded before the right one can be.
check_image() {
	image=$(image_of "$1")
	if [ -z "$image" ]; then
		remark "$1: no initramfs was found below /boot and /efi: if it has one, it was not looked into"
		return
	elif [ ! -r "$image" ]; then
		remark "$1: $image cannot be read: it was not looked into; root can"
		return
	fi
	case $image in
	*.efi)
		remark "$1: $image has kernel and initramfs in one: it was not looked into. Make it anew when the modules have changed"
		return
		;;
	esac
	image_lister > /dev/null || {
		remark "$1: no lsinitramfs, lsinitrd or lsinitcpio here: $image was not looked into"
		return
	}
	image_stale=
	for image_path in $(image_modules "$image" "$1"); do
		image_module=${image_path##*/}
		image_module=${image_module%%.*}
		image_wanted=$(file_of "$1" "$image_module")
		same_as_on_disk "$image" "$image_path" "$image_wanted" || image_stale="$image_stale $image_path"
	done
	if [ -n "$image_stale" ]; then
		problem "$1: $image has other modules than the disk, and loads them first:$image_stale"
		image_command=$(image_command "$1")
		advice "${image_command:-Make it anew, as this distribution does.}"
	else
		fine "$1: no old vsock module in ${image#"$root"}"
	fi
}

without_suffix() { say "${1%.ko*}"; }

# same_as_on_disk IMAGE PATH FILE: is the copy the file on disk?
same_as_on_disk() {
	# The usual case needs no unpacking: a copy at another place in the tree is another module. Images have modules
	# without compression of their own. Whether the tree is below /lib or /usr/lib is how kmod was built.
	[ "$(without_suffix "${3#*lib/modules/}")" = "$(without_suffix "${2#*lib/modules/}")" ] || return 1
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
