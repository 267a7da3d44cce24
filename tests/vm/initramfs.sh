# SPDX-License-Identifier: GPL-2.0-only
# Sourced after common.sh by what makes an initramfs: of a test machine, of a guest inside one, of the sibling bed.
# shellcheck shell=bash

# initramfs_fill DIR KERNEL-DIR RELEASE INIT MODULE…: busybox, the first program, and modules of that kernel with what they
# depend on: below /modules, in the order of their loading in the file "order". Some kernels have some of them built in.
initramfs_fill() {
	local dir=$1 kernel_dir=$2 release=$3 init=$4 module files
	shift 4
	mkdir -p "$dir"/{bin,dev,proc,modules}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	install -m 755 "$init" "$dir/init"
	# modprobe lists dependencies first, one "insmod FILE" a line; "builtin NAME" lines are nothing to load.
	mapfile -t files < <(
		for module in "$@"; do
			modprobe -C /dev/null -d "$kernel_dir" -S "$release" -D "$module"
		done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
	)
	for module in "${files[@]}"; do
		cp "$module" "$dir/modules/"
		echo "${module##*/}"
	done >"$dir/modules/order"
}

# initramfs_pack DIR FILE: in one step, for others that make the same one. Not compressed: QEMU hands it over in one piece,
# while the emulated CPU would be slow to unpack it.
initramfs_pack() {
	(cd "$1" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$2.$$"
	mv "$2.$$" "$2"
}
