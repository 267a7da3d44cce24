# SPDX-License-Identifier: GPL-2.0-only
# vsock-netns doctor, for a person. Exits with failed when there is a problem.

$1 == "finding" {
	printf "%-8s %s\n", $2 ~ /^(problem|warning)$/ ? toupper($2) : $2, $3
	problems += $2 == "problem"
}
$1 == "advice" { printf "         %s\n", $2 }

END {
	if (!problems) {
		print "No problem was found."
		exit
	}
	printf "Problems found: %d.\n", problems
	exit failed
}
