# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# bash completion for vsock-netns.

_vsock_netns() {
	local words
	if [ "$COMP_CWORD" = 1 ]; then
		words="status list swap rollback doctor help version"
	else
		case ${COMP_WORDS[1]} in
		status | list | doctor) words="--json" ;;
		swap | rollback) words="--dry-run" ;;
		*) words="" ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -F _vsock_netns vsock-netns
