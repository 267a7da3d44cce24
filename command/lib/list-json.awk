# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns list --json.

function address(value,    object) {
	object = member("", "cid", number_or_null(cid_of(value)))
	return "{" member(object, "port", number_or_null(port_of(value))) "}"
}

function process(pid,    object) {
	object = member("", "pid", number_or_null(pid))
	object = member(object, "command", text_or_null(command[pid]))
	object = member(object, "unit", text_or_null(unit[pid]))
	return "{" member(object, "container", text_or_null(container[pid])) "}"
}

# What may be very many is printed, and not made one text first.

function print_socket(inode, i,    object, pids, count, j) {
	object = member("", "state", text(state[inode, i]))
	object = member(object, "local", address(here[inode, i]))
	object = member(object, "peer", address(peer[inode, i]))
	printf "{%s, %s: [", object, text("processes")
	count = split(users[inode, i], pids, ",")
	for (j = 1; j <= count; j++)
		printf "%s%s", j == 1 ? "" : ", ", process(pids[j])
	printf "]}"
}

function print_guest(inode, i,    object) {
	object = member("", "cid", number_or_null(cid[inode, i]))
	object = member(object, "name", text_or_null(guest_name[inode, i]))
	object = member(object, "process", process(monitor[inode, i]))
	printf "{%s, %s: [", object, text("ports")
	print_ports(inode, cid[inode, i], "")
	printf "]}"
}

function print_namespace(inode,    object, list, i) {
	object = member("", "inode", number_or_null(inode))
	for (i = 1; i <= name_count[inode]; i++)
		list = element(list, text(names[inode, i]))
	object = member(object, "names", "[" list "]")
	object = member(object, "ns_mode", text_or_null(mode[inode]))
	object = member(object, "child_ns_mode", text_or_null(child[inode]))
	object = member(object, "g2h_fallback", number_or_null(fallback[inode]))
	object = member(object, "processes", number_or_null(processes[inode]))
	object = member(object, "process", first[inode] == "" ? "null" : process(first[inode]))
	printf "{%s, %s: %s", object, text("sockets"), sockets_listed == "yes" ? "[" : "null"
	if (sockets_listed == "yes") {
		for (i = 1; i <= socket_count[inode]; i++) {
			printf "%s", i == 1 ? "" : ", "
			print_socket(inode, i)
		}
		printf "]"
	}
	printf ", %s: [", text("guests")
	for (i = 1; i <= guest_count[inode]; i++) {
		printf "%s", i == 1 ? "" : ", "
		print_guest(inode, i)
	}
	printf "]}"
}

END {
	object = member("", "version", text(version))
	object = member(object, "kernel", text(kernel))
	object = member(object, "vsock", text(vsock))
	printf "{%s, %s: [", object, text("namespaces")
	for (i = 1; i <= namespaces; i++) {
		printf "%s", i == 1 ? "" : ",\n  "
		print_namespace(order[i])
	}
	list = ""
	while ((getline line < left_out) > 0)
		list = element(list, text(line))
	printf "], %s: [%s]}\n", text("left_out"), list
}
