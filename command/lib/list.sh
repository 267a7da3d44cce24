# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# vsock-netns list: the network namespaces of the machine, with their sockets and guests.

list_main() {
	need_root "vsock-netns list"
	command -v nsenter > /dev/null || quit "$exit_failed" "nsenter is missing: it is part of util-linux"
	list_diag=no
	! sockets_listed || list_diag=yes
	list_version=$(command_version)
	list_renderer=list-text.awk
	[ "$json" = no ] || list_renderer=list-json.awk
	# Not where any user can take all the room.
	if [ "$json" = yes ]; then
		left_out=$(mktemp "$root/run/vsock-netns.XXXXXX") || quit "$exit_failed" "no temporary file could be made"
		trap 'rm -f "$left_out"' EXIT
		trap 'exit "$exit_failed"' HUP INT TERM
	fi
	# All of it first: a signal that leave_out sends counts when the pipe has ended.
	list_answer=$(machine_records | with_processes | awk -F "$tab" -v version="$list_version" -v kernel="$(uname -r)" \
		-v sockets_listed="$list_diag" -v vsock="$(kind_loaded vsock)" -v left_out="$left_out" \
		-f "$lib/json.awk" -f "$lib/list.awk" -f "$lib/$list_renderer")
	say "$list_answer"
	[ "$json" = no ] || return 0
	if [ "$(kind_loaded vsock)" = absent ]; then
		say "vsock is not loaded: there is no socket and no mode."
	elif [ "$list_diag" = no ]; then
		if command -v ss > /dev/null; then
			say "Sockets are not listed: this kernel has no vsock_diag."
		else
			say "Sockets are not listed: ss is missing; it is part of iproute2."
		fi
	fi
}
