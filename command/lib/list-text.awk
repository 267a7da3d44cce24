# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns list, for a person.

function short_name(path) {
	return path ~ /^\/(var\/)?run\/netns\// ? substr(path, match(path, /netns\//) + 6) : path
}

# In the middle of a sentence parentheses are ours.
function plain(name) {
	gsub(/\(/, "[", name)
	gsub(/\)/, "]", name)
	return name
}

# What a person knows the namespace by: its names, else its container, else a process in it.
function title(inode,    i, list, pid) {
	for (i = 1; i <= name_count[inode]; i++)
		list = list (list == "" ? "" : ", ") short_name(names[inode, i])
	pid = first[inode]
	# The kernel's own threads are in the initial one, and so is process 1, which is not always ours to look at.
	if (pid == 1 || (pid == 2 && command[pid] == "kthreadd"))
		list = "(initial)"
	else if (pid != "" && container[pid] != "")
		list = list (list == "" ? "" : ", ") "container " plain(container[pid])
	else if (list == "" && pid != "")
		list = plain(command[pid]) " (pid " pid ")"
	return list == "" ? "(nameless)" : list
}

function who(pid,    more) {
	more = "pid " pid
	if (unit[pid] != "")
		more = more ", " plain(unit[pid])
	if (container[pid] != "")
		more = more ", container " plain(container[pid])
	return plain(command[pid]) " (" more ")"
}

END {
	width = length("NAMESPACE")
	for (i = 1; i <= namespaces; i++) {
		heading[i] = title(order[i])
		if (length(heading[i]) > width)
			width = length(heading[i])
	}
	line = "%-" width "s  %-10s  %-6s  %9s  %7s  %6s\n"
	printf line, "NAMESPACE", "INODE", "MODE", "PROCESSES", "SOCKETS", "GUESTS"
	for (i = 1; i <= namespaces; i++) {
		inode = order[i]
		printf line, heading[i], inode, mode[inode] == "" ? "-" : mode[inode], processes[inode],
			sockets_listed == "yes" ? socket_count[inode] + 0 : "?", guest_count[inode] + 0
		for (j = 1; j <= socket_count[inode]; j++) {
			printf "    socket  %-6s  %s -> %s  ", state[inode, j], here[inode, j], peer[inode, j]
			count = split(users[inode, j], pids, ",")
			for (k = 1; k <= count; k++)
				printf "%s%s", k == 1 ? "" : ", ", who(pids[k])
			print ""
		}
		for (j = 1; j <= guest_count[inode]; j++) {
			printf "    guest   CID %s  %s%s", cid[inode, j] == "" ? "unknown" : cid[inode, j],
				guest_name[inode, j] == "" ? "" : plain(guest_name[inode, j]) ": ", who(monitor[inode, j])
			print_ports(inode, cid[inode, j], "  ports ")
			print ""
		}
	}
}
