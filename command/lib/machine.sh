# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# What is known of the machine: processes, network namespaces, vsock sockets, guests. Most of it is written down as
# records, one in a line, whose fields are separated by tabs and whose first field says what it is.

command_of() { printable "$(read_line "$proc/$1/comm")"; }

# place_of PID: "UNIT CONTAINER", separated by a tab, as the names of its control groups tell: the systemd unit, as systemctl
# knows it, and the first digits of a container's number, as podman, docker and crictl show them, or the name of an LXC
# container or of a machine of systemd.
place_of() {
	printable "$(awk -F : '
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
			for (i = split(path, part, "/"); i > 0; i--) {
				if (unit == "" && part[i] ~ /\.(service|scope|socket|mount|swap)$/)
					unit = part[i]
				if (container == "")
					container = container_in(part[i])
			}
			print unit "/" container
		}' "$proc/$1/cgroup" 2> /dev/null)" | tr / '\t'
}

# process_record PID
process_record() {
	printf 'process\t%s\t%s\t%s\n' "$1" "$(command_of "$1")" "$(place_of "$1")"
}

# describe_process PID: for a person.
describe_process() {
	describe_place=$(place_of "$1")
	describe_unit=${describe_place%"$tab"*}
	describe_container=${describe_place#*"$tab"}
	printf '%s (pid %s%s%s)' "$(command_of "$1")" "$1" "${describe_unit:+, unit $describe_unit}" \
		"${describe_container:+, container $describe_container}"
}

# processes: "PID INODE" of each process's network namespace.
processes() {
	(cd "$proc" && printf '%s\n' [0-9]*/ns/net | xargs stat -c %N 2> /dev/null) |
		sed -n "s/^[^0-9]*\([0-9]*\)\/ns\/net.*net:\[\([0-9]*\)\].*/\1 \2/p"
}

# open_files: "PID FD TARGET" of what matters here: the vsock devices, and namespaces that are held open.
open_files() {
	(cd "$proc" && find [0-9]*/fd -maxdepth 1 \
		\( -lname '*/vhost-vsock' -o -lname '*/vsock' -o -lname 'net:*' \) -printf '%p %l\n' 2> /dev/null) |
		sed -n 's/^\([0-9]*\)\/fd\/\([0-9]*\) /\1 \2 /p'
}

# mounted_namespaces: "INODE PATH" of network namespaces that a mount keeps, as ip netns and container engines do.
mounted_namespaces() {
	sed -n 's/^[0-9]* [0-9]* [0-9]*:[0-9]* net:\[\([0-9]*\)\] \([^ ]*\) .* - nsfs .*/\1 \2/p' "$proc/self/mountinfo" |
		sort -u
}

# namespaces: "INODE FILE PROCESSES PID" of each network namespace, the initial one first. FILE leads into it; PID is the
# process that has been in it for longest, or nothing.
namespaces() {
	initial=$(readlink "$proc/1/ns/net" || readlink "$proc/2/ns/net") 2> /dev/null
	initial=${initial##*[}
	initial=${initial%]}
	{
		processes | sort -n | sed 's/^/process /'
		mounted_namespaces | sed 's/^/mount /'
		open_files | sed -n 's/^\([0-9]*\) \([0-9]*\) net:\[\([0-9]*\)\].*/file \1 \2 \3/p'
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

# in_namespace FILE COMMAND...
in_namespace() {
	in_file=$1
	shift
	nsenter --net="$in_file" -- "$@"
}

# look_inside FILE: "mode MODE", "child_ns_mode MODE", "g2h_fallback NUMBER" as far as there are such sysctls, then the
# vsock sockets as ss prints them. Searching for the processes takes long, so it is done where there are sockets only.
look_inside() {
	# shellcheck disable=SC2016  # for the inner shell
	in_namespace "$1" sh -c '
		for entry in ns_mode child_ns_mode g2h_fallback; do
			file=$1/sys/net/vsock/$entry
			[ ! -r "$file" ] || echo "$entry $(cat "$file")"
		done
		[ "$2" = yes ] || exit 0
		sockets=$(ss --vsock --all --numeric --no-header 2> /dev/null)
		[ -z "$sockets" ] || ss --vsock --all --numeric --no-header --processes 2> /dev/null
	' look "$proc" "$2" 2> /dev/null
}

# sockets_listed: can the kernel list vsock sockets? Not for a kernel without vsock: asking would load it.
sockets_listed() {
	command -v ss > /dev/null || return 1
	[ -d "$sys/module/vsock" ] || return 1
	[ -d "$sys/module/vsock_diag" ] || [ -n "$(file_of "$(uname -r)" vsock_diag)" ]
}

# socket_records INODE: turns what ss prints into records. A process may call itself what it likes, so of its own words
# only numbers are used, and those are checked.
socket_records() {
	awk -v inode="$1" '$1 ~ /^v_/ {
		processes = ""
		rest = $0
		while (match(rest, /pid=[0-9]+,fd=[0-9]+/)) {
			found = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			split(found, number, /[^0-9]+/)
			processes = processes (processes == "" ? "" : ",") number[2] "/" number[3]
		}
		printf "socket\t%s\t%s\t%s\t%s\t%s\n", inode, $2, $5, $6, processes
	}' | while IFS= read -r socket_line; do
		socket_pids=
		for socket_user in $(say "${socket_line##*"$tab"}" | tr , ' '); do
			[ -e "$proc/${socket_user%/*}/fd/${socket_user#*/}" ] ||
				[ -L "$proc/${socket_user%/*}/fd/${socket_user#*/}" ] || continue
			has_word "${socket_user%/*}" "$(say "$socket_pids" | tr , ' ')" ||
				socket_pids=$socket_pids${socket_pids:+,}${socket_user%/*}
		done
		printf '%s\t%s\n' "${socket_line%"$tab"*}" "$socket_pids"
	done
}

# guest_records: of each open /dev/vhost-vsock.
guest_records() {
	open_files | awk '$3 ~ /vhost-vsock$/' | while read -r guest_pid guest_fd _; do
		guest_cid=$(sed -n 's/^vhost-vsock-cid:[[:space:]]*\([0-9]*\)$/\1/p' \
			"$proc/$guest_pid/fdinfo/$guest_fd" 2> /dev/null)
		guest_inode=$(sed -n 's/^vhost-vsock-netns:[[:space:]]*\([0-9]*\)$/\1/p' \
			"$proc/$guest_pid/fdinfo/$guest_fd" 2> /dev/null)
		[ -n "$guest_inode" ] || guest_inode=$(readlink "$proc/$guest_pid/ns/net" | tr -cd '0-9')
		# The stock module does not tell; a machine monitor's command line may, if it names one only.
		[ -n "$guest_cid" ] || guest_cid=$(tr '\0' '\n' < "$proc/$guest_pid/cmdline" |
			grep -oE 'guest-cid"?[=:] ?[0-9]+' | tr -cd '0-9\n' | sort -u | awk '{ cid = $1 } END { if (NR == 1) print cid }')
		printf 'guest\t%s\t%s\t%s\t%s\n' "$guest_inode" "$guest_cid" "$guest_pid" "$(guest_name "$guest_pid")"
	done
}

# guest_name PID: what QEMU was told to call the guest.
guest_name() {
	printable "$(tr '\0' '\n' < "$proc/$1/cmdline" | awk '
		named { sub(/^guest=/, ""); sub(/,.*/, ""); print; exit }
		$0 == "-name" || $0 == "--name" { named = 1 }')"
}

# machine_records: all of it.
machine_records() {
	machine_sockets=no
	! sockets_listed || machine_sockets=yes
	namespaces | while read -r machine_inode machine_file machine_count machine_pid; do
		machine_inside=$(look_inside "$machine_file" "$machine_sockets")
		machine_modes=$(say "$machine_inside" | awk -v OFS="$tab" '
			$1 ~ /^(ns_mode|child_ns_mode|g2h_fallback)$/ { value[$1] = $2 }
			END { print value["ns_mode"], value["child_ns_mode"], value["g2h_fallback"] }')
		printf 'namespace\t%s\t%s\t%s\t%s\n' "$machine_inode" "$machine_modes" "$machine_count" "$machine_pid"
		[ -z "$machine_pid" ] || process_record "$machine_pid"
		say "$machine_inside" | socket_records "$machine_inode"
	done
	mounted_namespaces | while read -r machine_inode machine_file; do
		printf 'name\t%s\t%s\n' "$machine_inode" "$(printable "$machine_file")"
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
