# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns status, for a person: of modules that are neither loaded nor installed nothing is said.

function use_of(count) {
	return count > 0 ? count (count == 1 ? " reference" : " references") : ""
}

function row(name, kind, version, more,    line) {
	line = sprintf("  %-34s %-8s %-10s %s", name, kind, version, more)
	sub(/ +$/, "", line)
	print line
}

END {
	printf "Kernel %s: %s.\n", kernel, support_reason

	print "\nIn the kernel:"
	count = 0
	for (i = 1; i <= modules; i++) {
		name = module[i]
		if (loaded[name] == "absent")
			continue
		count++
		row(name, loaded[name], loaded_version[name], use_of(references[name]))
	}
	if (!count)
		print "  no vsock module is loaded"

	for (r = 1; r <= releases; r++) {
		which = release[r]
		printf "\nOn disk for %s%s%s:\n", which, which == kernel ? ", which runs" : "",
			release_support[which] == "native" ? ", which has the modes itself" : ""
		count = 0
		for (i = 1; i <= modules; i++) {
			name = module[i]
			if (disk[which, name] == "absent")
				continue
			count++
			row(name, disk[which, name], disk_version[which, name],
				disk_file[which, name] == "(builtin)" ? "" : disk_file[which, name])
		}
		if (!count)
			print "  no vsock module"
	}

	print "\nSysctls of this network namespace:"
	for (i = 1; i <= sysctls; i++)
		printf "  net.vsock.%s = %s\n", sysctl[i], sysctl_value[sysctl[i]]
	if (!sysctls)
		print "  none: what is loaded knows no namespace modes"

	if (changes)
		print "\nWhat a swap or a reboot changes:"
	for (i = 1; i <= changes; i++)
		printf "  %s: %s\n", changed[i], change_text[changed[i]]
}
