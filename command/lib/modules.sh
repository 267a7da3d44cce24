# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the other parts use what is set here; set in common.sh
# What is known of modules: which file modprobe would load on a kernel, whose it is, what is loaded and who uses it.

# Modules of which there is one of ours, in the order in which they are loaded.
replaceable="vsock vsock_loopback vhost_vsock"
# The rest of the family, which stays the kernel's.
companions="vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport vmw_vsock_vmci_transport hv_sock vsock_diag vsockmon"
our_author="The vsock-netns authors"

# file_of RELEASE MODULE: the file that modprobe loads, "(builtin)", or nothing.
file_of() { modinfo ${root:+-b "$root"} -k "$1" -n "$2" 2> /dev/null; }

# file_field FIELD FILE
file_field() {
	file_field=$(modinfo -F "$1" "$2" 2> /dev/null)
	# Some fields occur more than once.
	say "$(printable "${file_field%%"$newline"*}")"
}

# file_kind FILE: ours, stock, builtin or absent.
file_kind() {
	case $1 in
	'') echo absent ;;
	'(builtin)') echo builtin ;;
	*)
		if [ "$(file_field author "$1")" = "$our_author" ]; then
			echo ours
		else
			echo stock
		fi
		;;
	esac
}

# owner_of KIND: a word for it in sentences.
owner_of() {
	case $1 in
	stock) say "the kernel's own" ;;
	*) say "$1" ;;
	esac
}

# kind_on_disk RELEASE MODULE
kind_on_disk() { file_kind "$(file_of "$1" "$2")"; }

# our_files RELEASE MODULE: files of ours, wherever they are in the kernel's tree.
our_files() {
	find "$modules/$1/" -type f \( -name "$2.ko" -o -name "$2.ko.*" \) ! -path "$modules/$1/kernel/*" 2> /dev/null |
		while IFS= read -r our_file; do
			[ "$(file_kind "$our_file")" != ours ] || say "$our_file"
		done
}

# stock_file RELEASE MODULE: where the kernel's own module is; newer DKMS moves it out of the kernel's tree.
stock_file() {
	for stock_file in "$modules/$1/kernel/net/vmw_vsock/$2.ko"* "$modules/$1/kernel/drivers/vhost/$2.ko"* \
		"$root/var/lib/dkms/vsock-netns/original_module/$1"/*/"$2.ko"*; do
		if [ -e "$stock_file" ] && [ "$(file_kind "$stock_file")" = stock ]; then
			say "$stock_file"
			return
		fi
	done
}

# The modules that belong to the installed package; without one, those that were ever ours and the two that are always.
package_modules() {
	for package_conf in "$root"/usr/src/vsock-netns-*/dkms.conf; do
		[ -r "$package_conf" ] || continue
		package_set=$(sed -n 's/^BUILT_MODULE_NAME\[[0-9]*\]="\(.*\)"$/\1/p' "$package_conf" | joined)
	done
	if [ -z "${package_set:-}" ]; then
		package_set="vsock vsock_loopback"
		for package_release in $(installed_kernels); do
			[ -z "$(our_files "$package_release" vhost_vsock)" ] || package_set="$replaceable"
		done
	fi
	for package_module in $replaceable; do
		! has_word "$package_module" "$package_set" || printf '%s ' "$package_module"
	done
}

is_loaded() { [ -e "$sys/module/$1/initstate" ]; }

# kind_loaded MODULE: ours, stock, foreign (out of tree, but not ours), builtin or absent.
kind_loaded() {
	if [ ! -d "$sys/module/$1" ]; then
		echo absent
	elif ! is_loaded "$1"; then
		echo builtin
	else
		case $(read_line "$sys/module/$1/taint") in
		*O*)
			case $(read_line "$sys/module/$1/version") in
			'' | *[!0-9.]*) echo foreign ;;
			*) echo ours ;;
			esac
			;;
		*) echo stock ;;
		esac
	fi
}

# is_loaded_file MODULE FILE: was that file loaded? Without checksums of the sources, the version has to do.
is_loaded_file() {
	loaded_checksum=$(read_line "$sys/module/$1/srcversion")
	file_checksum=$(file_field srcversion "$2")
	if [ -n "$loaded_checksum$file_checksum" ]; then
		[ "$loaded_checksum" = "$file_checksum" ]
	else
		[ "$(read_line "$sys/module/$1/version")" = "$(file_field version "$2")" ]
	fi
}

# users_of MODULE: the modules that use it.
users_of() { [ ! -d "$sys/module/$1/holders" ] || ls "$sys/module/$1/holders"; }

# references_to MODULE: how often it is used, apart from by other modules.
references_to() {
	references=$(read_line "$sys/module/$1/refcnt")
	# shellcheck disable=SC2046  # words
	echo $((${references:-0} - $(count_words $(users_of "$1"))))
}

# with_users MODULE...: the modules and all that use them, each before what it uses: the order to unload them in.
with_users() {
	with_pending=$* with_seen=''
	while [ -n "$with_pending" ]; do
		with_next=
		for with_module in $with_pending; do
			! has_word "$with_module" "$with_seen" || continue
			with_seen="$with_seen $with_module"
			# A pair of the same word is how tsort learns of one without relations.
			say "$with_module $with_module"
			for with_user in $(users_of "$with_module"); do
				say "$with_user $with_module"
				with_next="$with_next $with_user"
			done
		done
		with_pending=$with_next
	done | tsort | tr '\n' ' '
}

# Kernels that are installed: headers alone are none.
installed_kernels() {
	for kernel_directory in "$modules"/*/kernel; do
		[ -d "$kernel_directory" ] || continue
		kernel_directory=${kernel_directory%/kernel}
		say "${kernel_directory##*/}"
	done | sort -V
}

# release_number RELEASE: 6.12.117+deb12-amd64 is 612, 5.4.1 is 504, 7.0.0 is 700.
release_number() {
	release_minor=${1#*.}
	release_minor=${release_minor%%[!0-9]*}
	echo $((${1%%.*} * 100 + ${release_minor:-0}))
}

# kernel_config RELEASE: the value of CONFIG_VSOCKETS (m, y, n), or nothing when the configuration is not here.
kernel_config() {
	for config in "$root/boot/config-$1" "$modules/$1/config" "$modules/$1/build/.config"; do
		[ -r "$config" ] || continue
		config=$(sed -n 's/^CONFIG_VSOCKETS=\(.\)$/\1/p' "$config")
		echo "${config:-n}"
		return
	done
}

# kernel_support RELEASE: one word: native (has the feature itself), old, builtin, none (has no vsock) or replaceable.
kernel_support() {
	support_number=$(release_number "$1")
	if [ "$support_number" -ge 700 ]; then
		echo native
	elif [ "$support_number" -lt 510 ]; then
		echo old
	else
		case $(kernel_config "$1"):$(file_of "$1" vsock) in
		y:* | :'(builtin)') echo builtin ;;
		n:*) echo none ;;
		# No configuration and no module: the kernel that runs says whether it has the family.
		:)
			if [ "$1" = "$(uname -r)" ] && [ "$(kind_loaded vsock)" = builtin ]; then
				echo builtin
			else
				echo none
			fi
			;;
		*) echo replaceable ;;
		esac
	fi
}

# support_text WORD RELEASE: a sentence.
support_text() {
	case $1 in
	native) say "Linux 7.0 and newer have network namespace modes for vsock themselves: our modules are not needed on $2" ;;
	old) say "our modules are for Linux 5.10 to 6.19; $2 is older" ;;
	builtin) say "vsock is built into the kernel $2 (CONFIG_VSOCKETS=y): no module can replace it" ;;
	none) say "the kernel $2 has no vsock (CONFIG_VSOCKETS is off, or the package with its modules is missing)" ;;
	replaceable) say "the kernel's vsock is a module, which ours can replace" ;;
	esac
}

# modules_enforced: does the kernel insist on signatures? Says why.
modules_enforced() {
	case $(read_line "$sys/kernel/security/lockdown") in
	*'[integrity]'* | *'[confidentiality]'*)
		say "the kernel is locked down (/sys/kernel/security/lockdown)"
		return
		;;
	esac
	if [ "$(read_line "$sys/module/module/parameters/sig_enforce")" = Y ]; then
		say "the kernel loads signed modules only (module.sig_enforce)"
		return
	fi
	return 1
}
