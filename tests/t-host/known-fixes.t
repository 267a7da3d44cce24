#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/known-fixes.md has every number once, says of each mistake of ours why not or which test, and names tests and
# checks that exist.
# shellcheck disable=SC2317 # functions that ok() is given
set -euo pipefail
cd "$(dirname "$0")/../.."
table=tests/known-fixes.md
count=130
# Backquotes are part of the table's text.
tick=$'\x60'
quoted_test="${tick}[0-9]+-[a-z-]+\.t$tick"
quoted_name="${tick}[a-z_.]+(\(\)|\[\])?$tick"

tests=0 failed=0
# ok NAME COMMAND…: the command succeeds; its output tells why when it does not.
ok() {
	local output
	tests=$((tests + 1))
	if output=$("${@:2}" 2>&1); then
		echo "ok $tests - $1"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $1"
		echo "# ${output//$'\n'/$'\n'# }"
	fi
}

# same GOT WANT
same() {
	diff <(echo "$1") <(echo "$2")
}

# The rows, and of them those of our own parts, which have a third column.
rows=$(grep -E '^\| [0-9]' "$table")
own=$(awk -F '|' 'NF == 5' <<<"$rows")

numbers=$(cut -d '|' -f 2 <<<"$rows" | grep -o '[0-9]*' | sort -n)
ok "each of the $count numbers is there, once" same "$numbers" "$(seq $count)"
ok "each mistake of ours is impossible or tested" same "$(grep -vE 'impossible|[Tt]ested:' <<<"$own" || true)" ""

# has_check TEST CHECK: in the test itself or in a program that it runs.
has_check() {
	local program files=("tests/t/$1")
	test -x "tests/t/$1" || return
	for program in tests/programs/*.c; do
		! grep -v '^ *#' "tests/t/$1" | grep -w -- "$(basename "$program" .c)" >/dev/null || files+=("$program")
	done
	grep -qF -- "$2" "${files[@]}" || {
		echo "not in ${files[*]}"
		return 1
	}
}

# A test's name, and behind it its checks, up to the next test's name.
checks=$(grep -oE "$quoted_test|\"[^\"]*\"" <<<"$own" | awk '
	/^"/ { print test "\t" substr($0, 2, length($0) - 2); next }
	{ test = substr($0, 2, length($0) - 2) }')
ok "tests are named" test "$(wc -l <<<"$checks")" -gt 50
while IFS=$'\t' read -r test check; do
	ok "$test: $check" has_check "$test" "$check"
done <<<"$checks"

# Functions, tables and members that a reason names.
names=$(grep -oE "$quoted_name" <<<"$own" | tr -d '`()[]' | sed 's/.*\.//' | grep _ | sort -u)
ok "reasons are named" test "$(wc -l <<<"$names")" -gt 20
while read -r name; do
	ok "$name is in the source" grep -rqwF -- "$name" src
done <<<"$names"

echo "1..$tests"
exit $((failed > 0))
