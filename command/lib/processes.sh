# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# Processes: their names, and which files they have open. They choose their names, command lines, control groups and files:
# what comes from there is checked, or made printable, before anybody sees it.

# When whoever asked has waited long enough. Any process can have what takes long to look at, again and again.
machine_deadline=$(($(date +%s) + 120))
out_of_time() { [ "$(date +%s)" -ge "$machine_deadline" ]; }

command_of() { printable "$(read_line "$proc/$1/comm")"; }

# place_of PID: "UNIT CONTAINER", separated by a tab, as the names of its control groups tell: the systemd unit, as systemctl
# knows it, and the first digits of a container's number, as podman, docker and crictl show them, or the name of an LXC
# container or of a machine of systemd. A user's own unit has its manager before it: user@1000.service/app.service.
place_of() {
	awk -F : '
		function container_in(part,    words, count, i) {
			if (part ~ /^lxc\.payload\./)
				return substr(part, 13)
			if (part ~ /^systemd-nspawn@.*\.service$/)
				return substr(part, 16, length(part) - 23)
			if (part ~ /^machine-.*\.scope$/) {
				part = substr(part, 9, length(part) - 14)
				gsub(/\\x2d/, "-", part)
				return part
			}
			count = split(part, words, /[^0-9a-f]+/)
			for (i = 1; i <= count; i++)
				if (length(words[i]) == 64)
					return substr(words[i], 1, 12)
			return ""
		}
		# The unified hierarchy, or the one that systemd keeps beside others.
		$1 == 0 || $2 == "name=systemd" {
			sub(/^[^:]*:[^:]*:/, "")
			if (length > length(path))
				path = $0
		}
		END {
			gsub(/[^ -~]/, "?", path)
			# From the root on: below its unit or container, whoever runs there chooses the names.
			count = split(path, part, "/")
			for (i = 1; i <= count && container == ""; i++) {
				container = container_in(part[i])
				if (part[i] !~ /\.(service|scope|socket|mount|swap)$/)
					continue
				if (unit == "")
					unit = part[i]
				else if (unit ~ /^user@[0-9]+\.service$/ && part[i] != "init.scope")
					unit = unit "/" part[i]
			}
			print unit "\t" container
		}' "$proc/$1/cgroup" 2> /dev/null
}

# process_record PID
process_record() {
	printf 'process\t%s\t%s\t%s\n' "$1" "$(command_of "$1")" "$(place_of "$1")"
}

# leave_out TEXT: what is not in the answer is told, and noted in the file $left_out where the caller has one. A note that
# cannot be taken would be missed by who reads the answer only: then there is none.
left_out=
leave_out() {
	complain "$*"
	[ -z "$left_out" ] || say "$*" 2> /dev/null >> "$left_out" || kill $$
}

# describe_process PID: for a person.
describe_process() {
	describe_place=$(plain "$(place_of "$1")")
	describe_unit=${describe_place%"$tab"*}
	describe_container=${describe_place#*"$tab"}
	printf '%s (pid %s%s%s)' "$(plain "$(command_of "$1")")" "$1" "${describe_unit:+, unit $describe_unit}" \
		"${describe_container:+, container $describe_container}"
}

# processes: "PID INODE" of each process's network namespace.
processes() {
	(cd "$proc" && printf '%s\n' [0-9]*/ns/net | xargs stat -c %N 2> /dev/null) |
		sed -n "s/^[^0-9]*\([0-9]*\)\/ns\/net.*net:\[\([0-9]*\)\].*/\1 \2/p"
}

# open_files: "PID FD WHAT" of what matters here: vhost-vsock and vsock, which devices has to confirm, and net:[INODE], a
# namespace that is held open. A path may have a newline in it, so zeros separate them first.
open_files() {
	{
		(cd "$proc" && within 30 find [0-9]*/fd -maxdepth 1 \( -lname '*/vhost-vsock' -o -lname '*/vhost-vsock (deleted)' \
			-o -lname '*/vsock' -o -lname '*/vsock (deleted)' -o -lname 'net:*' \) -printf '%p %l\0' 2> /dev/null)
		[ "$?" -lt 124 ] || leave_out "it took too long: not all open files could be looked at"
	} |
		tr '\n\0' '?\n' |
		sed -nE 's/^([0-9]+)\/fd\/([0-9]+) (.*\/)?(vhost-vsock|vsock|net:\[[0-9]+\])( \(deleted\))?$/\1 \2 \4/p'
}

# devices NAME: "PID FD" of each open file that is the device NAME, by process. Any file can be called that, and looking at
# one may take forever; and a process can have it open very often: such a process is told on stderr.
devices() {
	device_number=$(read_line "$sys/class/misc/$1/dev")
	[ -n "$device_number" ] || return 0
	device_number=$(printf '%x:%x' "${device_number%:*}" "${device_number#*:}")
	# So that a file system that is a process is not asked, where stat can do that: even a killed stat would wait for it.
	device_cached=--cached=always
	stat "$device_cached" / > /dev/null 2>&1 || device_cached=
	open_files | awk -v name="$1" '$3 == name { print $1 }' | sort -nu | while read -r device_pid; do
		if out_of_time; then
			leave_out "it took too long: not all processes could be looked at; others may have /dev/$1 open"
			break
		fi
		device_status=0
		# shellcheck disable=SC2016  # for the inner shell
		device_found=$(within 5 sh -c '
			cd "$1" 2> /dev/null &&
				find . -maxdepth 1 \( -lname "*/$2" -o -lname "*/$2 (deleted)" \) -printf "%f\n" |
				xargs stat -L $3 -c "%t:%T %n" 2> /dev/null | sed -n "s/^$4 /$5 /p" | head -n 1000
			' look "$proc/$device_pid/fd" "$1" "$device_cached" "$device_number" "$device_pid") || device_status=$?
		case $device_status in
		124 | 137) leave_out "files of $(describe_process "$device_pid") could not be looked at: it may have /dev/$1 open" ;;
		esac
		[ -n "$device_found" ] || continue
		say "$device_found" | sort -k 2n
		[ "$(say "$device_found" | wc -l)" -lt 1000 ] ||
			leave_out "$(describe_process "$device_pid") has /dev/$1 open a thousand times: there may be more"
	done
}

# command_line PID: a word in a line. It is in the memory of the process, which can make reading it take forever.
command_line() { within 5 head -c 1000000 "$proc/$1/cmdline" 2> /dev/null | tr '\0' '\n'; }
