# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# What is known of the machine: processes.sh and namespaces.sh, and the guests. It is written down as records, one in a line,
# whose fields are separated by tabs and whose first field says what it is.

# number_of WORD: 42, 0x2a and 052 are the same, as for QEMU. A question mark for what is no number.
number_of() {
	if say "$1" | grep -qxE '0|[1-9][0-9]{0,9}|0[0-7]{1,11}|0[xX][0-9a-fA-F]{1,8}'; then
		echo $(($1))
	else
		echo '?'
	fi
}

# guest_records: of each open /dev/vhost-vsock.
guest_records() {
	guest_last=
	devices vhost-vsock | while read -r guest_pid guest_fd; do
		if out_of_time; then
			leave_out "it took too long: not all guests could be looked at"
			break
		fi
		[ "$guest_pid" = "$guest_last" ] || guest_words=$(command_line "$guest_pid")
		guest_last=$guest_pid
		guest_cid=$(sed -n 's/^vhost-vsock-cid:[[:space:]]*\([0-9]*\)$/\1/p' \
			"$proc/$guest_pid/fdinfo/$guest_fd" 2> /dev/null)
		guest_inode=$(sed -n 's/^vhost-vsock-netns:[[:space:]]*\([0-9]*\)$/\1/p' \
			"$proc/$guest_pid/fdinfo/$guest_fd" 2> /dev/null)
		[ -n "$guest_inode" ] || guest_inode=$(readlink "$proc/$guest_pid/ns/net" | tr -cd '0-9')
		# The stock module does not tell; a machine monitor's command line may, if it names one only.
		[ -n "$guest_cid" ] || guest_cid=$(say "$guest_words" | grep -aoE 'guest-cid"?[=:] ?[0-9A-Za-z]+' |
			sed 's/.*[=: ]//' | while read -r guest_word; do
			number_of "$guest_word"
		done | sort -u | awk '{ cid = $1 } END { if (NR == 1 && cid != "?") print cid }')
		printf 'guest\t%s\t%s\t%s\t%s\n' "$guest_inode" "$guest_cid" "$guest_pid" \
			"$(say "$guest_words" | guest_name)"
	done
}

# guest_name: what QEMU was told to call the guest, by its command line on stdin.
guest_name() {
	printable "$(awk '
		named { sub(/^guest=/, ""); sub(/,.*/, ""); print substr($0, 1, 255); exit }
		$0 == "-name" || $0 == "--name" { named = 1 }')"
}

# machine_records: all of it.
machine_records() {
	namespace_records
	mounted_namespaces | while read -r machine_inode machine_file; do
		printf 'name\t%s\t%s\n' "$machine_inode" "$(printable "$(path_of "$machine_file")")"
	done
	guest_records
}

# with_processes: passes the records on, and adds one for each process that they name and that has none yet.
with_processes() {
	tee_records=$(cat)
	say "$tee_records"
	say "$tee_records" | awk -F "$tab" '
		$1 == "process" { known[$2] = 1 }
		$1 == "guest" { named[$4] = 1 }
		$1 == "socket" { count = split($6, pids, ","); for (i = 1; i <= count; i++) named[pids[i]] = 1 }
		END { for (pid in named) if (!(pid in known)) print pid }' | while read -r extra_pid; do
		if out_of_time; then
			leave_out "it took too long: not all processes are described"
			break
		fi
		process_record "$extra_pid"
	done
}
