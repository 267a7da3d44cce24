# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# vsock-netns doctor: what can be wrong with an installation, and what to do about each. Problems make it exit with 1,
# warnings do not.

# Records, as in machine.sh.
finding() { printf 'finding\t%s\t%s\n' "$1" "$(printable "$2")"; }
fine() { finding ok "$*"; }
remark() { finding note "$*"; }
warning() { finding warning "$*"; }
problem() { finding problem "$*"; }
# What to do about the finding before it, line by line.
advice() {
	for advice_line; do
		printf 'advice\t%s\n' "$(printable "$advice_line")"
	done
}

# has_more_words WORDS: more than one?
has_more_words() { case $1 in *' '*) return 0 ;; esac; return 1; }

# repair_command RELEASE: what makes a whole set of what is there, by the place where it was installed. DKMS alone would not do:
# 2.8 builds and installs nothing that it has built or installed before, whatever it is told.
repair_command() {
	for repair_settle in "$lib/settle" "$root/usr/share/vsock-netns/settle" "$root/usr/local/share/vsock-netns/settle"; do
		[ -x "$repair_settle" ] || continue
		say "${repair_settle#"$root"} install $1"
		return
	done
	say "make install KVER=$1      (in a checkout of vsock-netns)"
}

# check_kernel RELEASE: is there something to install for it? False when not.
check_kernel() {
	case $(kernel_support "$1") in
	replaceable) return 0 ;;
	native)
		remark "$1: $(support_text native "$1")"
		[ -z "$(our_files "$1" vsock)" ] || {
			problem "$1: yet ours is installed for it: $(our_files "$1" vsock | head -n 1)"
			advice "Give it its own modules back: $(repair_command "$1")"
		}
		return 1
		;;
	*)
		if [ "$1" = "$(uname -r)" ]; then
			problem "$1, which runs: $(support_text "$(kernel_support "$1")" "$1")"
			advice "Boot a kernel between 5.10 and 6.19 whose vsock is a module (CONFIG_VSOCKETS=m), or 7.0 and newer."
		else
			remark "$1: $(support_text "$(kernel_support "$1")" "$1")"
		fi
		return 1
		;;
	esac
}

# check_files RELEASE: the whole set is ours, of one version, for this kernel, and is what modprobe finds.
check_files() {
	files_ours='' files_stock='' files_shadowed=''
	for files_module in $doctor_set; do
		files_file=$(file_of "$1" "$files_module")
		if [ "$(file_kind "$files_file")" = ours ]; then
			files_ours="$files_ours $files_module"
			check_release "$1" "$files_file"
		elif [ -n "$(our_files "$1" "$files_module")" ]; then
			files_shadowed="$files_shadowed $files_module"
			check_shadow "$1" "$files_module" "$files_file"
		else
			files_stock="$files_stock $files_module"
		fi
	done
	if [ -z "$files_ours$files_shadowed" ]; then
		check_build "$1"
		return
	fi
	check_signatures "$1"
	if [ -n "$files_stock" ]; then
		problem "$1: half a set:$files_ours$files_shadowed ours, but not$files_stock"
		advice "Install the whole set again: $(repair_command "$1")"
	fi
	files_versions=$(for files_module in $files_ours; do
		file_field version "$(file_of "$1" "$files_module")"
	done | sort -u | joined)
	if has_more_words "$files_versions"; then
		problem "$1: our modules are of different versions: $files_versions"
		advice "Install the whole set again: $(repair_command "$1")"
	fi
	[ -n "$files_stock$files_shadowed" ] ||
		fine "$1: modprobe finds ours:$files_ours, version $files_versions"
}

# check_release RELEASE FILE: was the file built for this kernel?
check_release() {
	release_magic=$(file_field vermagic "$2")
	case "$release_magic " in
	"$1 "*) ;;
	*)
		problem "$1: $2 was built for ${release_magic%% *}: the kernel will refuse it (\"Invalid module format\")"
		advice "Build it again: $(repair_command "$1")"
		;;
	esac
}

# check_shadow RELEASE MODULE FILE: ours is there, but modprobe takes FILE.
check_shadow() {
	shadow_file=$(our_files "$1" "$2" | head -n 1)
	shadow_directory=${shadow_file#"$modules/$1/"}
	problem "$1: modprobe would load $3, not our $shadow_file"
	advice "The tables of depmod are older than ours, or its search order prefers the other. Write into" \
		"/etc/depmod.d/vsock-netns.conf:" \
		"  override $2 * ${shadow_directory%/*}" \
		"and then: depmod -a $1"
}

# check_build RELEASE: nothing of ours is there; why?
check_build() {
	build_verdict=$root/var/log/vsock-netns/$1.log
	build_log=$root/var/lib/dkms/vsock-netns/$(command_version)/build/make.log
	if [ "$1" = "$(uname -r)" ]; then
		problem "$1, which runs: our modules are not installed for it"
	else
		warning "$1: our modules are not installed for it"
	fi
	if [ ! -r "$modules/$1/build/Makefile" ]; then
		advice "Its headers are missing: $(headers_advice "$1")" \
			"then, if that has not done it: $(repair_command "$1")"
	elif [ -r "$build_verdict" ]; then
		# Written by whatever installed the package; the second line is what it found.
		advice "The last attempt (all of it in ${build_verdict#"$root"}):" \
			"  $(printable "$(sed -n 2p "$build_verdict")")" \
			"To try again: $(repair_command "$1")"
	elif [ -r "$build_log" ]; then
		advice "The last build ended with (all of it in ${build_log#"$root"}):" \
			"  $(tail -n 1 "$build_log")" \
			"To try again: $(repair_command "$1")"
	else
		advice "Its headers are there: $(repair_command "$1")"
	fi
}

# check_boot: do settings of the sysctls find the sysctls?
check_boot() {
	boot_sysctl=$(sysctl_settings)
	boot_load=$({ configured modules-load.d '^[[:space:]]*(vsock|vsock_loopback|vhost_vsock)[[:space:]]*$'
		grep -lE '^[[:space:]]*(vsock|vsock_loopback|vhost_vsock)([[:space:]]|$)' "$root/etc/modules" \
			"$root/etc/initramfs-tools/modules" 2> /dev/null; } | joined)
	case $(read_line "$proc/cmdline") in
	*modules[-_]load=*vsock*) boot_load="$boot_load /proc/cmdline" ;;
	esac
	if [ -n "$boot_sysctl" ] && [ -z "$boot_load" ]; then
		problem "net.vsock is set in $boot_sysctl, but nothing loads vsock before that at boot: the sysctl is not there yet"
		advice "echo vsock > /etc/modules-load.d/vsock-netns.conf"
	elif [ -n "$boot_sysctl" ]; then
		fine "vsock is loaded at boot before its sysctls are set, by $boot_load"
	fi
	# shellcheck disable=SC2086  # words
	boot_wanted=$(sed -n 's/^[[:space:]]*-\{0,1\}net[./]vsock[./]child_ns_mode[[:space:]]*=[[:space:]]*//p' $boot_sysctl \
		/dev/null | tail -n 1 | tr -cd '[:lower:]')
	boot_mode=$(read_line "$proc/sys/net/vsock/child_ns_mode")
	if [ -n "$boot_wanted" ] && [ -n "$boot_mode" ] && [ "$boot_wanted" != "$boot_mode" ]; then
		problem "net.vsock.child_ns_mode is $boot_mode in this namespace, not $boot_wanted as in $boot_sysctl"
		advice "Apply it: sysctl --system. If that says EBUSY (\"Device or resource busy\"), something has locked the" \
			"other value, and a reboot is needed. Namespaces that exist keep their mode: vsock-netns list."
	fi
}

# check_sysctl_conf: is a setting where nobody reads it?
check_sysctl_conf() {
	sysctl_conf_is_hidden && grep -qsE "$our_sysctls" "$root/etc/sysctl.conf" || return 0
	! configuration sysctl.d | xargs -r -d '\n' readlink -f | grep -qxF "$(readlink -f "$root/etc/sysctl.conf")" || return 0
	problem "net.vsock is set in /etc/sysctl.conf, which systemd does not read at boot, as no link in /etc/sysctl.d leads to it"
	advice "Move these lines to /etc/sysctl.d/vsock-netns.conf."
}

# check_blocked: modprobe.d can put a command in the place of a module, and the kernel's command line forbid it.
check_blocked() {
	for blocked_option in module_blacklist modprobe.blacklist; do
		blocked_names=$(read_line "$proc/cmdline" | tr -d '"' | tr ' ' '\n' | sed -n "s/^$blocked_option=//p" |
			tr ',-' ' _' | joined)
		blocked_modules=
		for blocked_module in $doctor_set; do
			! has_word "$blocked_module" "$blocked_names" || blocked_modules="$blocked_modules $blocked_module"
		done
		[ -z "$blocked_modules" ] || {
			problem "forbidden by $blocked_option= on the kernel's command line:$blocked_modules"
			advice "When what that was done for is mended, take it off there (/proc/cmdline shows it) and reboot."
		}
	done
	for blocked_module in $doctor_set; do
		blocked_by=$(configured modprobe.d "^[[:space:]]*install[[:space:]]+${blocked_module}[[:space:]]" | joined)
		[ -z "$blocked_by" ] || {
			problem "$blocked_module is not loaded but a command is run in its place, by $blocked_by"
			advice "Remove that line, unless vsock is not to be used on this machine."
		}
	done
}

# check_loaded: what is in the kernel now.
check_loaded() {
	for loaded_module in $doctor_set; do
		loaded_file=$(file_of "$doctor_running" "$loaded_module")
		case $(kind_loaded "$loaded_module"):$(file_kind "$loaded_file") in
		stock:ours)
			warning "$loaded_module: the kernel's own is loaded, ours is installed"
			advice "vsock-netns swap, or reboot."
			;;
		foreign:*)
			problem "$loaded_module: what is loaded is neither ours nor the kernel's own"
			advice "Find out what replaced it: modinfo $loaded_module; dkms status"
			;;
		ours:ours)
			if is_loaded_file "$loaded_module" "$loaded_file"; then
				fine "$loaded_module: ours is loaded"
			else
				warning "$loaded_module: another build of ours is loaded than the one that is installed"
				advice "vsock-netns swap, or reboot."
			fi
			;;
		ours:*)
			warning "$loaded_module: ours is loaded, but not installed: the kernel's own is back after a reboot"
			;;
		esac
	done
	for loaded_patch in "$sys"/kernel/livepatch/*/vsock "$sys"/kernel/livepatch/*/vsock_loopback \
		"$sys"/kernel/livepatch/*/vhost_vsock; do
		[ ! -d "$loaded_patch" ] ||
			warning "a live patch changes the kernel's own module: ${loaded_patch#"$root"}. It does not fit ours, and" \
				"the kernel may refuse to load ours while it is active"
	done
}

doctor_records() {
	doctor_running=$(uname -r)
	doctor_set=$(package_modules)
	[ -d "$modules/$doctor_running/kernel" ] || {
		check_kernel "$doctor_running" || :
	}
	for doctor_release in $(installed_kernels); do
		if check_kernel "$doctor_release"; then
			check_files "$doctor_release"
			check_image "$doctor_release"
		fi
	done
	if [ "$(kernel_support "$doctor_running")" = replaceable ]; then
		check_loaded
		check_blocked
	fi
	check_boot
	check_sysctl_conf
}

doctor_main() {
	command -v modinfo > /dev/null || quit "$exit_failed" "modinfo is missing: it is part of kmod"
	doctor_renderer=doctor-text.awk
	[ "$json" = no ] || doctor_renderer=doctor-json.awk
	doctor_records | awk -F "$tab" -v version="$(command_version)" -v kernel="$(uname -r)" -v failed="$exit_failed" \
		-f "$lib/json.awk" -f "$lib/$doctor_renderer"
}
