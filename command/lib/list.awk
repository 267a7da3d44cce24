# SPDX-License-Identifier: GPL-2.0-only
# Reads the records of machine.sh into arrays, for list-text.awk and list-json.awk.

$1 == "namespace" {
	order[++namespaces] = $2
	mode[$2] = $3
	child[$2] = $4
	fallback[$2] = $5
	processes[$2] = $6
	first[$2] = $7
}
$1 == "name" { names[$2, ++name_count[$2]] = $3 }
$1 == "process" {
	command[$2] = $3
	unit[$2] = $4
	container[$2] = $5
}
$1 == "socket" {
	i = ++socket_count[$2]
	state[$2, i] = $3
	here[$2, i] = $4
	peer[$2, i] = $5
	users[$2, i] = $6
}
$1 == "guest" {
	i = ++guest_count[$2]
	cid[$2, i] = $3
	monitor[$2, i] = $4
	guest_name[$2, i] = $5
}

# An address as ss prints it.
function cid_of(address) { sub(/:[^:]*$/, "", address); return address }
function port_of(address) { sub(/.*:/, "", address); return address }

# Which ports of a guest have a connection: of its own namespace, or of all global ones.
function ports_of(inode, wanted,    i, j, other, seen, list, port) {
	list = ""
	if (wanted == "")
		return list
	for (i = 1; i <= namespaces; i++) {
		other = order[i]
		if (other != inode && (mode[other] == "local" || mode[inode] == "local"))
			continue
		for (j = 1; j <= socket_count[other]; j++) {
			if (cid_of(peer[other, j]) != wanted)
				continue
			port = port_of(peer[other, j])
			if (!(port in seen)) {
				seen[port] = 1
				list = list (list == "" ? "" : ", ") port
			}
		}
	}
	return list
}
