# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns status --json.

END {
	object = member("", "version", text(version))
	inner = member("", "release", text(kernel))
	inner = member(inner, "support", text(support))
	object = member(object, "kernel", "{" member(inner, "reason", text(support_reason)) "}")

	list = ""
	for (i = 1; i <= modules; i++) {
		name = module[i]
		if (loaded[name] == "absent")
			continue
		inner = member("", "kind", text(loaded[name]))
		inner = member(inner, "version", text_or_null(loaded_version[name]))
		inner = member(inner, "srcversion", text_or_null(loaded_checksum[name]))
		inner = member(inner, "references", number_or_null(references[name]))
		list = member(list, name, "{" inner "}")
	}
	object = member(object, "loaded", "{" list "}")

	outer = ""
	for (r = 1; r <= releases; r++) {
		which = release[r]
		list = ""
		for (i = 1; i <= modules; i++) {
			name = module[i]
			if (disk[which, name] == "absent")
				continue
			inner = member("", "kind", text(disk[which, name]))
			inner = member(inner, "version", text_or_null(disk_version[which, name]))
			inner = member(inner, "file", disk[which, name] == "builtin" ? "null" : text(disk_file[which, name]))
			list = member(list, name, "{" inner "}")
		}
		inner = member("", "support", text(release_support[which]))
		outer = member(outer, which, "{" member(inner, "modules", "{" list "}") "}")
	}
	object = member(object, "disk", "{" outer "}")

	list = ""
	for (i = 1; i <= sysctls; i++) {
		name = sysctl[i]
		list = member(list, name, name == "g2h_fallback" ? number_or_null(sysctl_value[name]) : text(sysctl_value[name]))
	}
	object = member(object, "sysctls", "{" list "}")

	list = ""
	for (i = 1; i <= changes; i++) {
		name = changed[i]
		inner = member("", "after_reboot", text(after[name]))
		inner = member(inner, "change", text(how[name]))
		list = member(list, name, "{" member(inner, "text", text(change_text[name])) "}")
	}
	printf "{%s}\n", member(object, "changes", "{" list "}")
}
