# SPDX-License-Identifier: GPL-2.0-only
# JSON values for the other awk programs; text is printable ASCII by then.

function text(value,    i, character, quoted) {
	for (i = 1; i <= length(value); i++) {
		character = substr(value, i, 1)
		if (character == "\"" || character == "\\")
			quoted = quoted "\\"
		quoted = quoted character
	}
	return "\"" quoted "\""
}

# What is not known is null.
function text_or_null(value) { return value == "" ? "null" : text(value) }
function number_or_null(value) { return value ~ /^(0|[1-9][0-9]*)$/ ? value : "null" }

# A member of an object: "name": value, with the comma that the one before it needs.
function member(list, name, value) {
	return list (list == "" ? "" : ", ") text(name) ": " value
}

function element(list, value) { return list (list == "" ? "" : ", ") value }
