# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# What is known of the machine: processes, network namespaces, vsock sockets, guests. Most of it is written down as
# records, one in a line, whose fields are separated by tabs and whose first field says what it is. Processes choose their
# names, command lines, control groups and files: what comes from there is checked, or made printable, before it is in one.

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

# leave_out TEXT: what is not in the answer is told, and noted in the file $left_out where the caller has one.
leave_out() {
	complain "$*"
	[ -z "${left_out:-}" ] || say "$*" >> "$left_out"
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
	(cd "$proc" && find [0-9]*/fd -maxdepth 1 \
		\( -lname '*/vhost-vsock' -o -lname '*/vsock' -o -lname 'net:*' \) -printf '%p %l\0' 2> /dev/null) |
		tr '\n\0' '?\n' |
		sed -nE 's/^([0-9]+)\/fd\/([0-9]+) (.*\/)?(vhost-vsock|vsock|net:\[[0-9]+\])$/\1 \2 \4/p'
}

# devices NAME: "PID FD" of each open file that is the device NAME, by process. Any file can be called that, and looking at
# one may take forever: such a process is told on stderr.
devices() {
	device_number=$(read_line "$sys/class/misc/$1/dev")
	[ -n "$device_number" ] || return 0
	device_number=$(printf '%x:%x' "${device_number%:*}" "${device_number#*:}")
	# So that a file system that is a process is not asked, where stat can do that: even a killed stat would wait for it.
	device_cached=--cached=always
	stat "$device_cached" / > /dev/null 2>&1 || device_cached=
	open_files | awk -v name="$1" '
		$3 == name { files[$1] = files[$1] " " $2 }
		END { for (pid in files) print pid files[pid] }' | sort -n | while read -r device_pid device_files; do
		if out_of_time; then
			leave_out "it took too long: not all processes could be looked at; others may have /dev/$1 open"
			break
		fi
		device_status=0
		# shellcheck disable=SC2086  # words
		device_found=$(cd "$proc/$device_pid/fd" 2> /dev/null && printf '%s\n' $device_files |
			within 5 xargs stat -L $device_cached -c '%t:%T %n' 2> /dev/null) || device_status=$?
		case $device_status in
		124 | 137) leave_out "files of $(describe_process "$device_pid") could not be looked at: it may have /dev/$1 open" ;;
		esac
		say "$device_found" | sed -n "s/^$device_number /$device_pid /p"
	done
}

# mounted_namespaces: "INODE PATH" of network namespaces that a mount keeps, as ip netns and container engines do. The path
# is as the kernel writes it there, without spaces.
mounted_namespaces() {
	sed -n 's/^[0-9]* [0-9]* [0-9]*:[0-9]* net:\[\([0-9]*\)\] \([^ ]*\) .* - nsfs .*/\1 \2/p' "$proc/self/mountinfo" |
		sort -u
}

# path_of TEXT: the path that is written like that in mountinfo.
path_of() { say "$1" | sed "s/\\\\040/ /g; s/\\\\011/$tab/g; s/\\\\012/\\$newline/g; s/\\\\134/\\\\/g"; }

# namespaces: "INODE FILE PROCESSES PID" of each network namespace, the initial one first. FILE leads into it; PID is the
# process that has been in it for longest, or nothing.
namespaces() {
	initial=$(readlink "$proc/1/ns/net" || readlink "$proc/2/ns/net") 2> /dev/null
	initial=${initial##*[}
	initial=${initial%]}
	{
		processes | sort -n | sed 's/^/process /'
		mounted_namespaces | sed 's/^/mount /'
		open_files | sed -n 's/^\([0-9]*\) \([0-9]*\) net:\[\([0-9]*\)\]$/file \1 \2 \3/p'
	} | awk -v initial="$initial" -v proc="$proc" -v root="$root" '
		function add(inode, path) {
			if (!(inode in file)) file[inode] = path
		}
		$1 == "process" {
			add($3, proc "/" $2 "/ns/net")
			if (!($3 in pid)) pid[$3] = $2
			count[$3]++
		}
		$1 == "mount" { add($2, root $3) }
		$1 == "file" { add($4, proc "/" $2 "/fd/" $3) }
		END {
			for (inode in file)
				print (inode == initial ? 0 : 1), inode, file[inode], count[inode] + 0, pid[inode]
		}' | sort -k1,1n -k2,2n | cut -d ' ' -f 2-
}

# look_inside INODE FILE modes|sockets|monitors: enters the namespace by FILE and prints "ns_mode MODE", "child_ns_mode MODE",
# "g2h_fallback NUMBER" as far as there are such sysctls, and for sockets, "sockets" and then those as ss prints them; for
# monitors only the vsockmon interfaces, as ip prints them. Searching for the processes takes long, so it is done where there
# are sockets only. A process can put another file in the place of FILE meanwhile, one that cannot even be opened at once:
# hence the time limit, and the look at where it led.
look_inside() {
	# shellcheck disable=SC2016  # for the inner shell
	within 30 nsenter --net="$2" -- sh -c '
		[ "$(readlink "$1/self/ns/net")" = "net:[$2]" ] || exit
		[ "$3" != monitors ] || exec ip -oneline link show type vsockmon
		for entry in ns_mode child_ns_mode g2h_fallback; do
			file=$1/sys/net/vsock/$entry
			[ ! -r "$file" ] || echo "$entry $(cat "$file")"
		done
		[ "$3" = sockets ] || exit 0
		echo sockets
		sockets=$(ss --vsock --all --numeric --no-header)
		[ -z "$sockets" ] || ss --vsock --all --numeric --no-header --processes
	' look "$proc" "$1" "$3" 2> /dev/null || leave_out "network namespace $1 could not be looked into, by $(printable "$2")"
}

# sockets_listed: can the kernel list vsock sockets? Not for a kernel without vsock: asking would load it.
sockets_listed() {
	command -v ss > /dev/null || return 1
	[ -d "$sys/module/vsock" ] || return 1
	[ -d "$sys/module/vsock_diag" ] || [ -n "$(file_of "$(uname -r)" vsock_diag)" ]
}

# socket_records INODE: turns what look_inside prints into records. ss quotes nothing, and 15 characters of a process's
# choice can look like a line of a sysctl, like half a socket, or like another process. They cannot look like all that a
# socket has before its processes, and never come last: so the last process is a true one, and so is each other that has the
# same socket.
socket_records() {
	awk -v inode="$1" '
		function finish(    users, found, number) {
			while (match(rest, /pid=[0-9]+,fd=[0-9]+\)/)) {
				found = substr(rest, RSTART, RLENGTH)
				rest = substr(rest, RSTART + RLENGTH)
				split(found, number, /[^0-9]+/)
				users = users (users == "" ? "" : ",") number[2] "/" number[3]
			}
			if (socket != "")
				printf "%s\t%s\n", socket, users
		}
		!listed {
			listed = $0 == "sockets"
			next
		}
		$1 ~ /^(v_[a-z]+|\?\?\?)$/ && $2 ~ /^[A-Z][A-Z0-9-]+$/ && $3 $4 ~ /^[0-9]+$/ &&
			$5 ~ /^(\*|[0-9]+):(\*|[0-9]+)$/ && $6 ~ /^(\*|[0-9]+):(\*|[0-9]+)$/ {
			finish()
			socket = sprintf("socket\t%s\t%s\t%s\t%s", inode, $2, $5, $6)
			rest = ""
		}
		{ rest = rest $0 }
		END { finish() }' | while IFS= read -r socket_line; do
		if out_of_time; then
			leave_out "it took too long: not all sockets of network namespace $1 could be looked at"
			break
		fi
		socket_users=${socket_line##*"$tab"}
		socket_link=$(link_of_user "${socket_users##*,}")
		socket_pids=
		for socket_user in $(say "$socket_users" | tr , ' '); do
			case $socket_link in
			'socket:['*) [ "$(link_of_user "$socket_user")" = "$socket_link" ] || continue ;;
			*) continue ;;
			esac
			has_word "${socket_user%/*}" "$(say "$socket_pids" | tr , ' ')" ||
				socket_pids=$socket_pids${socket_pids:+,}${socket_user%/*}
		done
		printf '%s\t%s\n' "${socket_line%"$tab"*}" "$socket_pids"
	done
}

# link_of_user PID/FD
link_of_user() { readlink "$proc/${1%/*}/fd/${1#*/}"; }

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

# command_line PID: a word in a line. It is in the memory of the process, which can make reading it take forever.
command_line() { within 5 head -c 1000000 "$proc/$1/cmdline" 2> /dev/null | tr '\0' '\n'; }

# guest_name: what QEMU was told to call the guest, by its command line on stdin.
guest_name() {
	printable "$(awk '
		named { sub(/^guest=/, ""); sub(/,.*/, ""); print substr($0, 1, 255); exit }
		$0 == "-name" || $0 == "--name" { named = 1 }')"
}

# namespace_records: of each network namespace, and of the sockets in it.
namespace_records() {
	machine_what=modes
	! sockets_listed || machine_what=sockets
	namespaces | while read -r machine_inode machine_file machine_count machine_pid; do
		machine_file=$(path_of "$machine_file")
		if out_of_time; then
			leave_out "it took too long: network namespace $machine_inode was not looked into"
			machine_inside=
		else
			machine_inside=$(look_inside "$machine_inode" "$machine_file" "$machine_what")
		fi
		machine_modes=$(say "$machine_inside" | awk -v OFS="$tab" '
			$1 == "sockets" { exit }
			$1 ~ /^(ns_mode|child_ns_mode|g2h_fallback)$/ { value[$1] = $2 }
			END { print value["ns_mode"], value["child_ns_mode"], value["g2h_fallback"] }')
		printf 'namespace\t%s\t%s\t%s\t%s\n' "$machine_inode" "$machine_modes" "$machine_count" "$machine_pid"
		[ -z "$machine_pid" ] || process_record "$machine_pid"
		say "$machine_inside" | socket_records "$machine_inode"
	done
}

# monitor_records: of each network interface of type vsockmon.
monitor_records() {
	namespaces | while read -r monitor_inode monitor_file _; do
		monitor_file=$(path_of "$monitor_file")
		if out_of_time; then
			leave_out "it took too long: network namespace $monitor_inode was not searched for vsockmon interfaces"
			continue
		fi
		look_inside "$monitor_inode" "$monitor_file" monitors | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' |
			while IFS= read -r monitor_name; do
				# Somebody may paste it into a shell.
				printf 'monitor\t%s\t%s\t%s\n' "$monitor_inode" "$(printf '%s' "$monitor_name" |
					tr -c 'A-Za-z0-9._-' '?')" "$(printable "$monitor_file")"
			done
	done
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
		process_record "$extra_pid"
	done
}
