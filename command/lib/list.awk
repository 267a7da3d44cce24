# SPDX-License-Identifier: GPL-2.0-only
# Reads the records of machine.sh and what it calls into arrays, for list-text.awk and list-json.awk.

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
	other = $2 SUBSEP cid_of($5)
	port_at[other, ++port_count[other]] = port_of($5)
}
# Open twice it is one guest.
$1 == "guest" && $3 != "" && ($2, $3, $4) in guest_known { next }
$1 == "guest" {
	guest_known[$2, $3, $4] = 1
	i = ++guest_count[$2]
	cid[$2, i] = $3
	monitor[$2, i] = $4
	guest_name[$2, i] = $5
}

# An address as ss prints it.
function cid_of(address) { sub(/:[^:]*$/, "", address); return address }
function port_of(address) { sub(/.*:/, "", address); return address }

# Prints which ports of a guest have a connection, of its own namespace or of all global ones, with BEFORE in front.
# Sockets may be very many, so that nothing here or in what includes this makes a text of them.
function print_ports(inode, wanted, before,    i, j, other, seen, port) {
	if (wanted == "")
		return
	for (i = 1; i <= namespaces; i++) {
		other = order[i]
		if (other != inode && (mode[other] == "local" || mode[inode] == "local"))
			continue
		for (j = 1; j <= port_count[other, wanted]; j++) {
			port = port_at[other, wanted, j]
			if (port in seen)
				continue
			seen[port] = 1
			printf "%s%s", before, port
			before = ", "
		}
	}
}
