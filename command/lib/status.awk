# SPDX-License-Identifier: GPL-2.0-only
# Reads the records of status.sh into arrays, for status-text.awk and status-json.awk.

$1 == "kernel" {
	kernel = $2
	support = $3
	support_reason = $4
}
$1 == "loaded" {
	module[++modules] = $2
	loaded[$2] = $3
	loaded_version[$2] = $4
	loaded_checksum[$2] = $5
	references[$2] = $6
}
$1 == "release" {
	release[++releases] = $2
	release_support[$2] = $3
}
$1 == "disk" {
	disk[$2, $3] = $4
	disk_version[$2, $3] = $5
	disk_file[$2, $3] = $6
}
$1 == "sysctl" {
	sysctl[++sysctls] = $2
	sysctl_value[$2] = $3
}
$1 == "change" {
	changed[++changes] = $2
	after[$2] = $3
	how[$2] = $4
	change_text[$2] = $5
}
