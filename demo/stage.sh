# SPDX-License-Identifier: GPL-2.0-only
# Sourced by guest: runs commands and shows them as a transcript does, and notes for the table what came out.
# shellcheck shell=bash

work=$(mktemp -d)
declare -A job # what runs in the background, by the name of its shell
said=""        # all that the last command said
result=""      # the gist of it

# Who calls has a keyboard on which nothing is typed. At the end of its input ncat would hang up.
mkfifo "$work/keyboard"
exec 5<>"$work/keyboard"

tell() { printf '%s\n' "$@"; }

# phase stock|ours WORDS: what follows belongs to it.
phase() {
	phase=$1 number=0
	tell "" "==> $2"
}

# scenario WORDS ON-STOCK ON-OURS: begins one, a row of the table; the results are those that are expected.
scenario() {
	words=$1 commands=""
	case $phase in
	stock) expected=$2 ;;
	ours) expected=$3 ;;
	esac
	number=$((number + 1))
	tell "" "$number. $words"
}

# verdict [stay]: ends a scenario. What listens is ended too, unless it shall stay for the next one.
verdict() {
	local mark=""
	[ "$result" = "$expected" ] || mark="   <== WRONG, expected: $expected"
	tell "    => $result$mark"
	printf '%s\t%s\t%s\t%s\n' "$words" "$commands" "$result" "$expected" >>"$work/results.$phase"
	[ "${1:-}" != stay ] || return 0
	end "${job[@]}"
	job=()
}

# heard FILE: shows what a command said. Of an error the reason alone is the result.
heard() {
	said=$(<"$1")
	# As bash says it at a prompt.
	[[ ! $said =~ ^${BASH_SOURCE[0]}:\ line\ [0-9]+:\ (.*) ]] || said="bash: ${BASH_REMATCH[1]}"
	[ -z "$said" ] || tell "    ${said//$'\n'/$'\n'    }"
	result=${said##*$'\n'}
	case $result in
	"") result="done" ;;
	"Ncat: "* | "bash: "* | "sysctl: "* | "cat: "* | "Error: "*)
		result=${result%. QUITTING.}
		result=${result##*: }
		result=${result%.}
		;;
	esac
}

# prepare COMMAND: as typed at a prompt.
prepare() {
	tell "    # $1"
	# Not a pipe: what the command leaves in the background would keep it open.
	(eval "$1") >"$work/output" 2>&1 </dev/null
	heard "$work/output"
}

# run COMMAND: the same, and in the table.
run() {
	commands+="# $1"$'\036'
	prepare "$1"
}

# start SHELL COMMAND FILE: in a shell of its own, in the background; what it says goes to the file.
start() {
	tell "    $1# $2"
	commands+="$1# $2"$'\036'
	: >"$3"
	# Without a word about its input, a command in the background has none.
	(eval "exec $2") <&0 >"$3" 2>&1 5>&- &
	job[$1]=$!
}

# listen SHELL COMMAND [TEXT [PID]]: TEXT is what is typed there. Goes on when it listens on port 1234, or has ended. PID is
# a process of the network namespace to look into, where that is not the command itself.
listen() {
	local file=$work/$1
	start "$1" "$2" "$file" <<<"${3:-}"
	wait_until listens_or_ended "${job[$1]}" "${4:-${job[$1]}}" || bail "does not listen: $2"
	if kill -0 "${job[$1]}" 2>/dev/null; then
		echo "(listens)" >"$file"
	fi
	heard "$file"
}

listens_or_ended() {
	! kill -0 "$1" || [[ $(nsenter -t "$2" -n ss --vsock -l) = *":1234 "* ]]
}

# call SHELL COMMAND: connects, and is interrupted as soon as it has something to show.
call() {
	local file=$work/$1
	start "$1" "$2" "$file" <&5
	wait_until answered_or_ended "${job[$1]}" "$file" || bail "no answer: $2"
	end "${job[$1]}"
	unset "job[$1]"
	heard "$file"
}

answered_or_ended() {
	! kill -0 "$1" || [ -s "$2" ]
}

# end PID…: of background commands.
end() {
	kill "$@" 2>/dev/null
	wait "$@" 2>/dev/null
}
