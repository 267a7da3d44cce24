# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the other parts use what is set here; lib: vsock-netns
# Where the machine's files are, exit statuses, messages.

# A directory that stands in for /, for tests.
root=${VSOCK_NETNS_ROOT:-}
# In a checkout it is the build's.
for headers in "${lib:-}/headers.sh" "${lib:-}/../../scripts/headers.sh"; do
	[ -r "$headers" ] || continue
	# shellcheck source=scripts/headers.sh
	. "$headers"
	break
done
proc=$root/proc
sys=$root/sys
modules=$root/lib/modules

# Not every caller has them in its path: kmod and nsenter.
PATH=$PATH:/usr/sbin:/sbin
# What this reads has one spelling.
LC_ALL=C
export LC_ALL
tab=$(printf '\t')
newline='
'

exit_failed=1 exit_busy=3 exit_declined=4 exit_undone=5 exit_broken=6

say() { printf '%s\n' "$*"; }
complain() { printf 'vsock-netns: %s\n' "$*" >&2; }

# quit STATUS MESSAGE...
quit() {
	quit_status=$1
	shift
	complain "$*"
	exit "$quit_status"
}

need_root() {
	[ "$(id -u)" = 0 ] || quit "$exit_failed" "$1 needs root"
}

# printable TEXT: one line of printable ASCII, as names of processes and units are whatever somebody chose.
printable() {
	case $1 in
	*[!\ -~]*) printf '%s' "$1" | tr -c ' -~' '?' ;;
	*) printf '%s' "$1" ;;
	esac
}

# plain TEXT: for the middle of a sentence, where parentheses are ours.
plain() { printf '%s' "$1" | tr '()' '[]'; }

# within SECONDS COMMAND...: kills it when it takes longer.
within() {
	within_seconds=$1
	shift
	timeout -k 1 "$within_seconds" "$@"
}

# read_line FILE: its first line, nothing when it cannot be read.
read_line() {
	read_line=
	[ ! -r "$1" ] || IFS= read -r read_line 2> /dev/null < "$1" || :
	printf '%s' "$read_line"
}

# Lines as words of one line.
joined() { tr '\n' ' ' | sed 's/ *$//'; }

# has_word WORD WORDS
has_word() {
	case " $2 " in *" $1 "*) return 0 ;; esac
	return 1
}

reversed() {
	reversed=
	for reversed_word; do
		reversed="$reversed_word${reversed:+ }$reversed"
	done
	say "$reversed"
}

# count_words [WORD...]
count_words() { echo $#; }

# The version of the package that this command is part of.
command_version() {
	for version_file in "$lib/version" "$lib/../../dkms.conf"; do
		[ -r "$version_file" ] || continue
		sed -n -e 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' -e t -e '/^[0-9][0-9.]*$/p' "$version_file"
		return
	done
	echo unknown
}

# configuration DIRECTORY: the files of such a directory, in all the places there are, that are read, in that order: by name,
# whatever the place; one in /etc hides those of its name elsewhere, and so on.
configuration() {
	for configuration_file in "$root/etc/$1"/*.conf "$root/run/$1"/*.conf "$root/usr/local/lib/$1"/*.conf \
		"$root/usr/lib/$1"/*.conf "$root/lib/$1"/*.conf; do
		[ ! -e "$configuration_file" ] || printf '%s\t%s\n' "${configuration_file##*/}" "$configuration_file"
	done | awk -F "$tab" '!hidden[$1]++' | sort | cut -f 2-
}

# configured DIRECTORY PATTERN: those of them with a line that matches.
configured() {
	configuration "$1" | while IFS= read -r configured_file; do
		! grep -qE "$2" "$configured_file" 2> /dev/null || say "$configured_file"
	done
}

our_sysctls='^[[:space:]]*-?net[./]vsock[./]'
# sysctl_settings: the files that set our sysctls at boot, in order.
sysctl_settings() {
	{
		configured sysctl.d "$our_sysctls"
		sysctl_conf_is_hidden || grep -lE "$our_sysctls" "$root/etc/sysctl.conf" 2> /dev/null
	} | joined
}

# sysctl_conf_is_hidden: systemd does not read /etc/sysctl.conf, but for a link in sysctl.d; others do, last.
sysctl_conf_is_hidden() { [ -d "$root/run/systemd/system" ]; }
