# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests/t/*.t after guest.sh: executes what the documents show, from the documents themselves. A block that is
# executed has "<!-- test: TEST NAME -->" on the line before it; tests/t-host/readme.t finds those that have not.
# shellcheck shell=bash

# As installed, for blocks that call it by its name.
PATH=$PWD/command:$PATH

# Who types has a keyboard on which nothing is typed: at the end of its input ncat would hang up.
document_files=$(mktemp -d)
mkfifo "$document_files/keyboard"
exec 5<>"$document_files/keyboard"
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

# document_play FILE NAME: one test point for each command. In a console block, "# COMMAND" and below it what that says,
# the answer has to be that, "…" being anything; in a sh block the command has to succeed.
document_play() {
	local file=$1 name=$2 language line command="" expected=""
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
	local name=$1 language=$2 command=${3%%  #*} expected=$4 status=0 said pattern sign="" before
	[[ $command != '#'* ]] && [ -n "$command" ] || return 0
	# A server and a virtual machine are waited for, as by a person who goes on in another shell.
	if [[ $command =~ --vsock\ [^|]*-l\ ([0-9]+) ]]; then
		sign=" LISTEN .*:${BASH_REMATCH[1]} ->"
	elif [[ $command =~ guest-cid=([0-9]+).*\& ]]; then
		sign=" guest +CID ${BASH_REMATCH[1]} "
	fi
	[ -z "$sign" ] || before=$(document_count "$sign")
	document_execute "$command" || status=$?
	[ -z "$sign" ] || wait_until document_more "$sign" "$before" || diag "it does not show: $command"
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

# document_execute COMMAND: in this shell; what it says is in the file said. What ends with "&" is left in the background.
document_execute() {
	: >"$document_files/said"
	if [[ $1 = *\& ]]; then
		eval "{ ${1%&}; } &" <&5 >"$document_files/said.${#document_jobs[@]}" 2>&1 5>&-
		document_jobs+=($!)
	else
		eval "$1" <&5 >"$document_files/said" 2>&1
	fi
}

# document_count REGEX: how many there are of it on the whole machine.
document_count() { vsock-netns list | grep -cE "$1"; }
document_more() { [ "$(document_count "$1")" -gt "$2" ]; }

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
