# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# vsock-netns status: which modules are on disk and in the kernel, and what a swap or a reboot would change.

# loaded_record MODULE
loaded_record() {
	printf 'loaded\t%s\t%s\t%s\t%s\t%s\n' "$1" "$(kind_loaded "$1")" "$(printable "$(read_line "$sys/module/$1/version")")" \
		"$(printable "$(read_line "$sys/module/$1/srcversion")")" "$(references_to "$1")"
}

# disk_record RELEASE MODULE
disk_record() {
	disk_file=$(file_of "$1" "$2")
	disk_version=
	[ -z "$disk_file" ] || disk_version=$(file_field version "$disk_file")
	printf 'disk\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(file_kind "$disk_file")" \
		"$(printable "$disk_version")" "$(printable "$disk_file")"
}

# change_record MODULE: what it would be after a reboot of this kernel.
change_record() {
	change_file=$(file_of "$(uname -r)" "$1")
	change_kind=$(file_kind "$change_file")
	change_now=$(kind_loaded "$1")
	change_after=$change_kind change_how=nothing
	case $change_now:$change_kind in
	absent:absent) return ;;
	absent:*) change_text="not loaded; $(owner_of "$change_kind") is on disk, and loaded when it is needed" ;;
	builtin:*) change_after=builtin change_text="built into the kernel: stays as it is" ;;
	*:absent) change_text="has no file on disk any more: gone after a reboot" change_how=reboot ;;
	stock:ours)
		change_text="stock now; ours $(file_field version "$change_file") after 'vsock-netns swap' or a reboot"
		change_how=swap
		;;
	ours:ours)
		if is_loaded_file "$1" "$change_file"; then
			change_text="ours, the one on disk: nothing changes"
		else
			change_text="ours; another build of it, $(file_field version "$change_file"), after 'vsock-netns swap' or a reboot"
			change_how=swap
		fi
		;;
	ours:stock)
		change_text="ours now; stock after 'vsock-netns rollback' or a reboot, as ours is not what modprobe would load"
		change_how=rollback
		;;
	*:"$change_now") change_text="$change_now: nothing changes" ;;
	*) change_text="$change_now now; $change_kind after a reboot" change_how=reboot ;;
	esac
	printf 'change\t%s\t%s\t%s\t%s\n' "$1" "$change_after" "$change_how" "$change_text"
}

status_records() {
	status_running=$(uname -r)
	status_support=$(kernel_support "$status_running")
	printf 'kernel\t%s\t%s\t%s\n' "$status_running" "$status_support" "$(support_text "$status_support" "$status_running")"
	for status_module in $replaceable $companions; do
		loaded_record "$status_module"
	done
	for status_release in $(installed_kernels); do
		printf 'release\t%s\t%s\n' "$status_release" "$(kernel_support "$status_release")"
		for status_module in $replaceable $companions; do
			disk_record "$status_release" "$status_module"
		done
	done
	for status_entry in ns_mode child_ns_mode g2h_fallback; do
		[ ! -r "$proc/sys/net/vsock/$status_entry" ] ||
			printf 'sysctl\t%s\t%s\n' "$status_entry" "$(printable "$(read_line "$proc/sys/net/vsock/$status_entry")")"
	done
	for status_module in $replaceable; do
		change_record "$status_module"
	done
}

status_main() {
	command -v modinfo > /dev/null || quit "$exit_failed" "modinfo is missing: it is part of kmod"
	status_renderer=status-text.awk
	[ "$json" = no ] || status_renderer=status-json.awk
	status_records | awk -F "$tab" -v version="$(command_version)" -f "$lib/json.awk" -f "$lib/status.awk" \
		-f "$lib/$status_renderer"
}
