#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What documents show is executed: each block of commands has a comment on the line before it, "<!-- test: FILE NAME -->",
# and that test plays it under that name; "<!-- test: FILE -->" over calls of make whose target runs FILE; or, in packaging
# alone, "<!-- not tested: REASON -->". And what documents refer to is there.
# shellcheck disable=SC2317  # functions that ok is given
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh

documents=(README.md SECURITY.md CONTRIBUTING.md CHANGELOG.md docs/*.md packaging/*/README.md src/compat/README.md)
executed=(README.md SECURITY.md docs/*.md packaging/*/README.md)

# blocks FILE: "LINE LANGUAGE COMMENT" of each fenced block, the comment being the line before it.
blocks() {
	awk '/^```/ { if (!inside) print FNR, $0 "- " previous; inside = !inside } { previous = $0 }' "$1" |
		sed 's/ ```/ /; s/- / /'
}

# plays TEST DOCUMENT NAME: the test is there, and has the call; a name that is a file is extracted.
plays() {
	[ -x "$1" ] && {
		grep -qE "^\\s*document_play $2 $3( |\$)" "$1" || grep -qE "document_(play|block) \"\\\$document\" $3\\b" "$1"
	}
}

# runs FILE DOCUMENT LINE: all commands of the block that begins there are calls of make, whose targets run FILE.
runs() {
	local target
	sed -n "$(($3 + 1)),/^\`\`\`/p" "$2" | sed '/^```/d; s/ *#.*//' | while read -r make target; do
		[ "$make" = make ] && make -n "$target" | grep "$1" >/dev/null || return 1
	done
}

for document in "${executed[@]}"; do
	while read -r line language mark kind file name more; do
		case $language in
		sh | console) ;;
		*) [ "$kind" = test: ] || continue ;;
		esac
		where="$document:$line"
		case "$mark $kind-$document-$more" in
		'<!-- test:'-*-'-->') ok "$where: executed by $file" plays "$file" "$document" "$name" ;;
		'<!-- test:'-*-) ok "$where: make runs $file" runs "$file" "$document" "$line" ;;
		'<!-- not'-packaging/*) skip "${more% -->}" "$where is executed" ;;
		*) ok "$where has a test" false ;;
		esac
	done < <(blocks "$document")
done

# calls: "TEST DOCUMENT NAME" of each.
calls() { grep -oE "^\\s*document_play [^\" ]+ [^ ]+" tests/t/*.t tests/t-host/*.t tests/packages/source | sed 's/:[[:space:]]*document_play / /'; }
while read -r test document name; do
	ok "$test: $document has the block $name" grep -qxF "<!-- test: $test $name -->" "$document"
done < <(calls)

targets=$(sed -n 's/^\.PHONY: *//p' Makefile ./*/*.mk | tr ' ' '\n')
while read -r _ target; do
	ok "there is a target $target" grep -qx -- "$target" <<<"$targets"
done < <(grep -ohE '(`|^)make [a-z-]+' "${documents[@]}" | sort -u)
for document in "${documents[@]}"; do
	while IFS= read -r link; do
		ok "$document: the link $link leads somewhere" test -e "$(dirname "$document")/${link%%#*}"
	done < <(grep -oE '\]\([^):]+\)' "$document" | sed 's/^](//; s/)$//' | grep -v '^#' | sort -u)
	while IFS= read -r anchor; do
		ok "$document: the section #$anchor is there" grep -qixF "$anchor" \
			<(sed -n 's/^##* //p' "$document" | tr -d '`.,:' | tr ' ' '-')
	done < <(grep -oE '\]\(#[^)]+\)' "$document" | sed 's/^](#//; s/)$//' | sort -u)
done

done_testing
