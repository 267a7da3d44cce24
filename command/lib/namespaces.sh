# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# Network namespaces, and what is in them: modes, vsock sockets, vsockmon interfaces.

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

# enter INODE FILE COMMAND...: runs the command in the network namespace INODE, which FILE leads to. A process can put any
# other file in the place of FILE, and to open that may wait for ever, or do something, as with a watchdog. To mount it opens
# nothing; then the kernel says what it is. The mount namespace ends with the command, and keeps nothing busy that is unmounted
# meanwhile; it needs some file to mount over.
enter() {
	enter_inode=$1 enter_file=$2
	shift 2
	# shellcheck disable=SC2016  # for the inner shell
	within 30 unshare --mount --propagation slave sh -c '
		proc=$1 inode=$2 file=$3
		shift 3
		mount --no-canonicalize --bind "$file" "$proc/version" || exit
		grep -qF " net:[$inode] $proc/version " "$proc/self/mountinfo" || exit
		exec nsenter --net="$proc/version" -- "$@"
	' enter "$proc" "$enter_inode" "$enter_file" "$@"
}

# look_inside INODE FILE modes|sockets|monitors: enters the namespace by FILE and prints "ns_mode MODE", "child_ns_mode MODE",
# "g2h_fallback NUMBER" as far as there are such sysctls, and for sockets, "sockets" and then those as ss prints them; for
# monitors only the vsockmon interfaces, as ip prints them. Searching for the processes takes long, so it is done where there
# are sockets only; and if it takes too long, they come without.
look_inside() {
	look_status=0
	# shellcheck disable=SC2016  # for the inner shell
	enter "$1" "$2" sh -c '
		[ "$2" != monitors ] || exec ip -oneline link show type vsockmon
		for entry in ns_mode child_ns_mode g2h_fallback; do
			file=$1/sys/net/vsock/$entry
			[ ! -r "$file" ] || echo "$entry $(cat "$file")"
		done
		[ "$2" = sockets ] || exit 0
		sockets=$(ss --vsock --all --numeric --no-header) || exit
		echo sockets
		[ -n "$sockets" ] || exit 0
		status=0
		named=$(timeout 15 ss --vsock --all --numeric --no-header --processes) && sockets=$named || status=99
		printf "%s\n" "$sockets"
		exit "$status"
	' look "$proc" "$3" 2> /dev/null || look_status=$?
	case $look_status in
	0) ;;
	99) leave_out "the processes that have the sockets of network namespace $1 could not be found" ;;
	*) leave_out "network namespace $1 could not be looked into, by $(printable "$2")" ;;
	esac
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
# same socket. One socket may have very many: nothing here takes more than its share of time for each.
socket_records() {
	socket_lines=$(awk -v inode="$1" '
		!listed {
			listed = $0 == "sockets"
			next
		}
		$1 ~ /^(v_[a-z]+|\?\?\?)$/ && $2 ~ /^[A-Z][A-Z0-9-]+$/ && $3 $4 ~ /^[0-9]+$/ &&
			$5 ~ /^(\*|[0-9]+):(\*|[0-9]+)$/ && $6 ~ /^(\*|[0-9]+):(\*|[0-9]+)$/ {
			printf "socket\t%s\t%s\t%s\t%s\n", inode, $2, $5, $6
		}
		{
			count = split($0, piece, "pid=")
			for (i = 2; i <= count; i++)
				if (match(piece[i], /^[0-9]+,fd=[0-9]+\)/)) {
					split(substr(piece[i], 1, RLENGTH), number, /[^0-9]+/)
					printf "user\t%s/fd/%s\n", number[1], number[2]
				}
		}')
	{
		# The name of a file cannot look like a socket.
		# shellcheck disable=SC2016  # for the inner shell
		say "$socket_lines" | sed -n "s/^user$tab//p" | (cd "$proc" && xargs sh -c '
			[ $# = 0 ] || find "$@" -maxdepth 0 -lname "socket:*" -printf "link\t%p\t%l\n" 2> /dev/null' look)
		say "$socket_lines"
	} | awk -F "$tab" '
		function finish(    true_one, i, pid, pids, seen) {
			true_one = count && user[count] in link ? link[user[count]] : "none"
			for (i = 1; i <= count; i++) {
				pid = user[i]
				sub(/\/.*/, "", pid)
				if (!(user[i] in link) || link[user[i]] != true_one || pid in seen)
					continue
				seen[pid] = 1
				pids = pids (pids == "" ? "" : ",") pid
			}
			if (socket != "")
				print socket "\t" pids
			count = 0
		}
		$1 == "link" { link[$2] = $3 }
		$1 == "user" { user[++count] = $2 }
		$1 == "socket" {
			finish()
			socket = $0
		}
		END { finish() }'
}

# namespace_records: of each network namespace, and of the sockets in it.
namespace_records() {
	machine_what=modes
	! sockets_listed || machine_what=sockets
	machine_late=0
	namespaces | {
		while read -r machine_inode machine_file machine_count machine_pid; do
			if [ "$machine_late" != 0 ] || out_of_time; then
				machine_late=$((machine_late + 1))
				printf 'namespace\t%s\t\t\t\t%s\t%s\n' "$machine_inode" "$machine_count" "$machine_pid"
				continue
			fi
			machine_inside=$(look_inside "$machine_inode" "$(path_of "$machine_file")" "$machine_what")
			machine_modes=$(say "$machine_inside" | awk -v OFS="$tab" '
				$1 == "sockets" { exit }
				$1 ~ /^(ns_mode|child_ns_mode|g2h_fallback)$/ { value[$1] = $2 }
				END { print value["ns_mode"], value["child_ns_mode"], value["g2h_fallback"] }')
			printf 'namespace\t%s\t%s\t%s\t%s\n' "$machine_inode" "$machine_modes" "$machine_count" "$machine_pid"
			[ -z "$machine_pid" ] || process_record "$machine_pid"
			say "$machine_inside" | socket_records "$machine_inode"
		done
		[ "$machine_late" = 0 ] || leave_out "it took too long: $machine_late network namespaces were not looked into"
	}
}

# monitor_records: of each network interface of type vsockmon.
monitor_records() {
	monitor_late=0
	namespaces | {
		while read -r monitor_inode monitor_file _; do
			if [ "$monitor_late" != 0 ] || out_of_time; then
				monitor_late=$((monitor_late + 1))
				continue
			fi
			monitor_file=$(path_of "$monitor_file")
			look_inside "$monitor_inode" "$monitor_file" monitors | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' |
				while IFS= read -r monitor_name; do
					# Somebody may paste it into a shell.
					printf 'monitor\t%s\t%s\t%s\n' "$monitor_inode" "$(printf '%s' "$monitor_name" |
						tr -c 'A-Za-z0-9._-' '?')" "$(printable "$monitor_file")"
				done
		done
		[ "$monitor_late" = 0 ] ||
			leave_out "it took too long: $monitor_late network namespaces were not searched for vsockmon interfaces"
	}
}
