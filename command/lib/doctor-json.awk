# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns doctor --json. Exits with failed when there is a problem.

$1 == "finding" {
	level[++findings] = $2
	message[findings] = $3
	problems += $2 == "problem"
}
$1 == "advice" { advice[findings] = element(advice[findings], text($2)) }

END {
	object = member("", "version", text(version))
	object = member(object, "kernel", text(kernel))
	object = member(object, "problems", problems + 0)
	for (i = 1; i <= findings; i++) {
		inner = member("", "level", text(level[i]))
		inner = member(inner, "text", text(message[i]))
		list = element(list, "{" member(inner, "advice", "[" advice[i] "]") "}")
	}
	printf "{%s}\n", member(object, "findings", "[" list "]")
	exit (problems ? failed : 0)
}
