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

function socket(inode, i,    object, list, pids, count, j) {
	count = split(users[inode, i], pids, ",")
	for (j = 1; j <= count; j++)
		list = element(list, process(pids[j]))
	object = member("", "state", text(state[inode, i]))
	object = member(object, "local", address(here[inode, i]))
	object = member(object, "peer", address(peer[inode, i]))
	return "{" member(object, "processes", "[" list "]") "}"
}

function guest(inode, i,    object) {
	object = member("", "cid", number_or_null(cid[inode, i]))
	object = member(object, "name", text_or_null(guest_name[inode, i]))
	object = member(object, "process", process(monitor[inode, i]))
	return "{" member(object, "ports", "[" ports_of(inode, cid[inode, i]) "]") "}"
}

function namespace(inode,    object, list, i) {
	object = member("", "inode", number_or_null(inode))
	for (i = 1; i <= name_count[inode]; i++)
		list = element(list, text(names[inode, i]))
	object = member(object, "names", "[" list "]")
	object = member(object, "ns_mode", text_or_null(mode[inode]))
	object = member(object, "child_ns_mode", text_or_null(child[inode]))
	object = member(object, "g2h_fallback", number_or_null(fallback[inode]))
	object = member(object, "processes", number_or_null(processes[inode]))
	object = member(object, "process", first[inode] == "" ? "null" : process(first[inode]))
	list = ""
	for (i = 1; i <= socket_count[inode]; i++)
		list = element(list, socket(inode, i))
	object = member(object, "sockets", sockets_listed == "yes" ? "[" list "]" : "null")
	list = ""
	for (i = 1; i <= guest_count[inode]; i++)
		list = element(list, guest(inode, i))
	return "{" member(object, "guests", "[" list "]") "}"
}

END {
	object = member("", "version", text(version))
	object = member(object, "kernel", text(kernel))
	object = member(object, "vsock", text(vsock))
	for (i = 1; i <= namespaces; i++)
		list = element(list, (i == 1 ? "" : "\n  ") namespace(order[i]))
	object = member(object, "namespaces", "[" list "]")
	list = ""
	while ((getline line < left_out) > 0)
		list = element(list, text(line))
	printf "{%s}\n", member(object, "left_out", "[" list "]")
}
