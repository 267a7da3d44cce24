# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests/t/*.t after guest.sh: executes what the documents show, from the documents themselves. A block that is
# executed has "<!-- test: TEST NAME -->" on the line before it; tests/t-host/readme.t finds those that have not.
# shellcheck shell=bash

# For blocks that call vsock-netns by its name; behind the rest, as there is an "install" in it too.
PATH=$PATH:$PWD/command

document_files=$(mktemp -d)
document_jobs=()

# document_block FILE NAME: the block with that name, its first line being "```sh" or "```console".
document_block() {
	awk -v name="$2" '
		/^```/ && inside { exit }
		/^```/ && found { inside = 1 }
		inside { print }
		{ found = ($1 == "<!--" && $2 == "test:" && $4 == name && $5 == "-->") }
	' "$1"
}

# document_play FILE NAME [[!]PROGRAMS]: one test point for each command. In a console block, "# COMMAND" and below it what
# that says, the answer has to be that, "…" being anything; in a sh block the command has to succeed. With PROGRAMS, "apt|make",
# only commands of these, or with "!" all others.
document_play() {
	local file=$1 name=$2 document_programs=${3:-} language line command="" expected=""
	{
		read -r language
		while IFS= read -r line; do
			if [[ $command = *\\ ]]; then
				command=${command%\\}${line#"${line%%[![:space:]]*}"}
			elif [ "$language" = '```sh' ]; then
				document_step "$name" "$language" "$command" ""
				command=$line
			elif [[ $line = '# '* ]]; then
				document_step "$name" "$language" "$command" "$expected"
				command=${line#'# '} expected=""
			else
				expected+=${expected:+$'\n'}$line
			fi
		done
	} < <(document_block "$file" "$name")
	[ -n "$command" ] || bail "$file has no block $name"
	document_step "$name" "$language" "$command" "$expected"
}

# document_step NAME LANGUAGE COMMAND EXPECTED
document_step() {
	local name=$1 language=$2 command=${3%%  #*} expected=$4 status=0 said pattern count=() before
	[[ $command != '#'* ]] && [ -n "$command" ] || return 0
	case $document_programs in
	'') ;;
	!*) [[ ! ${command%% *} =~ ^(${document_programs#!})$ ]] || return 0 ;;
	*) [[ ${command%% *} =~ ^($document_programs)$ ]] || return 0 ;;
	esac
	# A server and a virtual machine are waited for, as by a person who goes on in another shell.
	if [[ $command =~ --vsock\ [^|]*-l\ ([0-9]+) ]]; then
		count=(document_listeners "${BASH_REMATCH[1]}")
	elif [[ $command =~ guest-cid=([0-9]+).*\& ]]; then
		count=(document_guests "${BASH_REMATCH[1]}")
	fi
	[ ${#count[@]} = 0 ] || before=$("${count[@]}")
	document_execute "$command" || status=$?
	[ ${#count[@]} = 0 ] || wait_until document_more "$before" "${count[@]}" || diag "it does not show: $command"
	# As bash says it at a prompt.
	said=$(sed -E 's/^[^ ]*: (eval: )?line [0-9]+: /bash: /' "$document_files/said")
	if [ "$language" = '```console' ]; then
		pattern=$(sed 's/[][*?\\]/\\&/g; s/…/*/g' <<<"$expected")
		# shellcheck disable=SC2053  # a pattern
		[[ $said = $pattern ]] && status=0 || status=1
	fi
	tap_result $status "$name: $command" ||
		diag "said: ${said//$'\n'/$'\n'# }" "status: $status" "in the document: ${expected//$'\n'/$'\n'# }"
}

# document_execute COMMAND: in this shell; what it says is in the file said. What ends with "&" is left in the background. Where
# a person would end a client that waits for more to be typed, it comes to the end of its input.
document_execute() {
	: >"$document_files/said"
	if [[ $1 = *\& ]]; then
		eval "{ ${1%&}; } &" </dev/null >"$document_files/said.${#document_jobs[@]}" 2>&1
		document_jobs+=($!)
	else
		eval "$1" </dev/null >"$document_files/said" 2>&1
	fi
}

# document_listeners PORT: how many sockets of the whole machine listen on it.
document_listeners() {
	local pid
	for pid in $(lsns --type net --noheadings --output PID); do
		nsenter --target "$pid" --net ss --vsock --listening --numeric --no-header
	done | grep -c ":$1 "
}

# document_guests CID: how many have it.
document_guests() { grep -lx "vhost-vsock-cid:.$1" /proc/[0-9]*/fdinfo/* 2>/dev/null | wc -l; }

# document_more NUMBER COMMAND…: does the command print a greater one?
document_more() { [ "$("${@:2}")" -gt "$1" ]; }

# document_end: of what blocks left in the background.
document_end() {
	local job
	for job in "${document_jobs[@]}"; do
		# shellcheck disable=SC2046  # numbers
		kill "$job" $(pgrep -P "$job") 2>/dev/null
		wait "$job" 2>/dev/null
	done
	document_jobs=()
}

# document_fresh: from here on as on a machine that has just loaded the modules.
document_fresh() {
	document_end
	ip -all netns delete
	unload_all || bail "the modules do not unload"
	load_loopback
}
