# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# vsock-netns swap and rollback: unloads the modules that are of the other kind with all that uses them, and loads those of
# the wanted kind. Everything that can be known is looked at before anything is touched; what fails later is undone.

# wrong_modules WANTED: which loaded modules are to be replaced.
wrong_modules() {
	for wrong_module in $replaceable; do
		wrong_kind=$(kind_loaded "$wrong_module")
		case $1:$wrong_kind in
		*:foreign)
			complain "the loaded $wrong_module is neither ours nor the kernel's own: what replaced it has to take it back"
			return 1
			;;
		stock:ours) printf '%s ' "$wrong_module" ;;
		ours:stock)
			! has_word "$wrong_module" "$swap_set" || printf '%s ' "$wrong_module"
			;;
		ours:ours)
			is_loaded_file "$wrong_module" "$(file_of "$swap_release" "$wrong_module")" ||
				printf '%s ' "$wrong_module"
			;;
		esac
	done
}

# check_ours: our whole set is what modprobe would load, and the kernel would take it as far as can be told.
check_ours() {
	for check_module in $swap_set; do
		check_file=$(file_of "$swap_release" "$check_module")
		case $(file_kind "$check_file") in
		ours) ;;
		*)
			quit "$exit_failed" "modprobe would load ${check_file:-nothing} as $check_module on $swap_release, not ours;" \
				"nothing was changed. 'vsock-netns doctor' says what is wrong"
			;;
		esac
		! check_reason=$(modules_enforced) || check_key "$check_file" "$check_reason"
	done
}

# check_key FILE REASON: is the file signed, with a key that the kernel may know?
check_key() {
	[ -n "$(file_field signer "$1")" ] ||
		quit "$exit_failed" "$2, and $1 is not signed; nothing was changed. 'vsock-netns doctor' says what to do"
	check_state=$(key_state "$swap_release")
	case $check_state in
	missing | requested)
		complain "$2, and $(key_text "$check_state" "$1")"
		quit "$exit_failed" "nothing was changed. First: $(key_advice "$check_state" "$swap_release")"
		;;
	esac
}

# check_stock: the stock modules are there, to go to, or to come back to.
check_stock() {
	for check_module in $swap_wrong; do
		[ -n "$(stock_file "$swap_release" "$check_module")" ] ||
			quit "$exit_failed" "the kernel's own $check_module is not below $modules/$swap_release, so there is" \
				"nothing to go back to; nothing was changed. Install the package of the kernel again"
	done
}

# name_holders: on stderr, who uses the modules of the plan, one in a line. False when nobody does.
name_holders() {
	holders_references=$(for holders_module in $swap_unload; do
		holders_count=$(references_to "$holders_module")
		case $holders_count in
		0 | -*) ;;
		1) say "  $holders_module: 1 reference" ;;
		*) say "  $holders_module: $holders_count references" ;;
		esac
	done)
	holders_named=
	! has_word vsockmon "$swap_unload" || holders_named=$(named_monitors) || exit "$exit_failed"
	[ -n "$holders_references$holders_named" ] || return 1
	complain "in use, so that nothing was changed:"
	if [ -n "$holders_references" ]; then
		printf '%s\n' "$holders_references" >&2
		holders_named=$holders_named${holders_named:+"$newline"}$(named_holders)
	fi
	[ -z "$holders_named" ] || printf '%s\n' "$holders_named" >&2
	if held_from_boot "$holders_named"; then
		complain "systemd and sshd have vsock sockets from early boot on:" \
			"a reboot activates the modules that are on disk"
		return
	fi
	case $holders_named in
	'')
		sockets_listed || complain "sockets cannot be listed here (vsock_diag or ss is missing), so they have no names"
		complain "what uses the modules was not found. A connection that was closed keeps its transport for some" \
			"seconds: try again; or reboot, which activates the modules that are on disk" ;;
	*) complain "end them and try again; or reboot, which activates the modules that are on disk" ;;
	esac
}

# held_from_boot HOLDERS: is one of them pid 1, or the host's sshd? By what no process chooses itself.
held_from_boot() {
	say "$1" | grep -qE ' \(pid (1[,)]|[0-9]+, unit ssh[^,/]*\.(service|socket)\)$)'
}

# named_monitors: interfaces of vsockmon, which would be deleted with it, without a word; they hold it only while they are up.
named_monitors() {
	command -v ip > /dev/null || {
		complain "vsockmon is loaded, and ip is missing, which would tell whether it has interfaces: unload it first, or" \
			"install iproute2; nothing was changed"
		return 1
	}
	monitor_records | while IFS=$tab read -r _ monitor_inode monitor_name monitor_file; do
		case $monitor_file in
		# What that is may be another file by the time that somebody opens it.
		"$proc"/*/fd/*)
			monitor_pid=${monitor_file#"$proc/"}
			say "  vsockmon interface $monitor_name in network namespace $monitor_inode, which only an open file keeps:" \
				"$(describe_process "${monitor_pid%%/*}")"
			;;
		*) say "  vsockmon interface $monitor_name: nsenter --net=$monitor_file ip link delete $monitor_name" ;;
		esac
	done
}

# too_late: they may be very many, and swap has the lock.
too_late() {
	out_of_time || return 1
	leave_out "it took too long: not all who use the modules are named"
}

# named_holders: guests, sockets, and who has /dev/vsock open.
named_holders() {
	guest_records | awk -F "$tab" '{ print ($3 == "" ? "unknown" : $3), $4, $5 }' |
		while read -r holder_cid holder_pid holder_name; do
			! too_late || break
			say "  VM${holder_name:+ $(plain "$holder_name")}, CID $holder_cid: $(describe_process "$holder_pid")"
		done
	namespace_records | awk -F "$tab" '$1 == "socket" { print $3, $4, $5, ($6 == "" ? "-" : $6) }' |
		while read -r holder_state holder_here holder_peer holder_pids; do
			if [ "$holder_pids" = - ]; then
				say "  socket $holder_state $holder_here -> $holder_peer: of no process; it is being closed, or the kernel's"
			fi
			for holder_pid in $(say "$holder_pids" | tr ',-' '  '); do
				! too_late || break 2
				say "  socket $holder_state $holder_here -> $holder_peer: $(describe_process "$holder_pid")"
			done
		done
	devices vsock | cut -d ' ' -f 1 | uniq | while read -r holder_pid; do
		! too_late || break
		say "  /dev/vsock: $(describe_process "$holder_pid")"
	done
}

# insert COMMAND...: modprobe or insmod; explains when the kernel refuses the key. What modprobe starts can stay, and have its
# stderr open for ever: hence the file. Nor is it to keep the lock, descriptor 9.
insert() {
	insert_words=$root/run/vsock-netns.words
	insert_status=0
	"$@" 2> "$insert_words" 9>&- || insert_status=1
	cat "$insert_words" >&2
	! grep -qE 'Key was rejected by service|Required key not available' "$insert_words" ||
		complain "the kernel does not know the key that the module is signed with, or it is not signed:" \
			"'vsock-netns doctor' says what to do (enroll the MOK)"
	rm -f "$insert_words"
	return "$insert_status"
}

# load MODULE KIND: loads that kind, with what it needs.
load() {
	if is_loaded "$1"; then
		[ "$2" = any ] || [ "$(kind_loaded "$1")" = "$2" ] || {
			complain "meanwhile something loaded the other $1"
			return 1
		}
		return 0
	fi
	load_file=$(file_of "$swap_release" "$1")
	if [ "$2" = stock ] && [ "$(file_kind "$load_file")" != stock ]; then
		# modprobe would load ours.
		load_file=$(stock_file "$swap_release" "$1")
		for load_needed in $(file_field depends "$load_file" | tr ',' ' '); do
			is_loaded "$load_needed" || insert modprobe "$load_needed" || return 1
		done
		insert insmod "$load_file" || return 1
	else
		insert modprobe "$1" || return 1
	fi
	[ "$2" = any ] || [ "$(kind_loaded "$1")" = "$2" ] || {
		complain "the $1 that was loaded is $(kind_loaded "$1"), not $2"
		return 1
	}
}

# kind_before MODULE: what is loaded in its place when a step fails.
kind_before() {
	if has_word "$1" "$replaceable"; then
		say "$swap_before" | tr ' ' '\n' | sed -n "s/^$1=//p"
	else
		say any
	fi
}

# kind_wanted MODULE WANTED: what is loaded in its place when all goes well.
kind_wanted() {
	if has_word "$1" "$swap_wrong"; then
		say "$2"
	else
		kind_before "$1"
	fi
}

# put_back: unloads what was loaded of the plan, and loads what was there before. What never went stays.
put_back() {
	complain "putting everything back"
	put_back_failed=
	# shellcheck disable=SC2086  # words
	for put_module in $(with_users $swap_wrong); do
		is_loaded "$put_module" || continue
		has_word "$put_module" "$swap_kept" || rmmod "$put_module" || put_back_failed="$put_back_failed $put_module"
	done
	for put_module in $swap_load; do
		has_word "$put_module" "$swap_kept" || load "$put_module" "$(kind_before "$put_module")" ||
			put_back_failed="$put_back_failed $put_module"
	done
	if [ -n "$put_back_failed" ]; then
		quit "$exit_broken" "not everything could be put back:$put_back_failed. 'dmesg' may tell why; a reboot loads" \
			"what is on disk"
	fi
	quit "$exit_undone" "everything is as it was before: the same modules are loaded"
}

# show_plan WANTED: the commands.
show_plan() {
	for plan_module in $swap_unload; do
		say "  rmmod $plan_module"
	done
	for plan_module in $swap_load; do
		plan_kind=$(kind_wanted "$plan_module" "$1")
		plan_file=$(file_of "$swap_release" "$plan_module")
		if [ "$plan_kind" = stock ] && [ "$(file_kind "$plan_file")" != stock ]; then
			say "  insmod $(stock_file "$swap_release" "$plan_module")"
		else
			say "  modprobe $plan_module"
		fi
	done
}

# plan_undo: sets swap_before, "MODULE=KIND " for each module that is going to be unloaded.
plan_undo() {
	swap_before='' undo_lost=''
	for undo_module in $swap_unload; do
		has_word "$undo_module" "$replaceable $companions" ||
			quit "$exit_failed" "the module $undo_module uses vsock, and is not known here:" \
				"unload it first; nothing was changed"
		undo_kind=$(kind_loaded "$undo_module")
		if [ "$undo_kind" = ours ] && ! is_loaded_file "$undo_module" "$(file_of "$swap_release" "$undo_module")"; then
			undo_kind=stock undo_lost="$undo_lost $undo_module"
		fi
		swap_before="$swap_before$undo_module=$undo_kind "
	done
	[ -z "$undo_lost" ] || complain "the loaded build of$undo_lost is no longer on disk:" \
		"should a step fail, the kernel's own is loaded instead"
}

# carry_out WANTED: the steps; ends with everything done or everything put back.
carry_out() {
	# From here on it is all or nothing: not to be stopped half way.
	trap '' HUP INT TERM PIPE
	swap_kept=$swap_unload
	for step in $swap_unload; do
		rmmod "$step" || {
			complain "rmmod $step failed"
			put_back
		}
		swap_kept=$(say "$swap_kept " | sed "s/^$step //")
	done
	for step in $swap_load; do
		load "$step" "$(kind_wanted "$step" "$1")" || {
			complain "$step could not be loaded; 'dmesg' may tell why"
			put_back
		}
	done
}

# swap_main ours|stock
swap_main() {
	swap_command=swap
	[ "$1" = ours ] || swap_command=rollback
	need_root "vsock-netns $swap_command"
	swap_release=$(uname -r)
	swap_support=$(kernel_support "$swap_release")
	[ "$swap_support" = replaceable ] ||
		quit "$exit_declined" "nothing to $swap_command: $(support_text "$swap_support" "$swap_release")"

	[ "$(read_line "$proc/sys/kernel/modules_disabled")" != 1 ] ||
		quit "$exit_failed" "the kernel takes no modules any more (kernel.modules_disabled = 1): only a reboot helps"
	swap_lock=$(lock_file) || exit "$exit_failed"
	exec 9> "$swap_lock"
	flock -n 9 || quit "$exit_failed" "another swap, rollback or installation is at work; nothing was changed"

	swap_set=$(package_modules)
	[ "$1" = stock ] || check_ours
	swap_wrong=$(wrong_modules "$1") || exit "$exit_failed"
	swap_wrong=${swap_wrong% }
	if [ -z "$swap_wrong" ]; then
		if is_loaded vsock; then
			say "Nothing to do: what is loaded is $(owner_of "$1")."
		else
			say "Nothing to do: vsock is not loaded. 'modprobe vsock' loads $(owner_of "$(kind_on_disk "$swap_release" vsock)")."
		fi
		return
	fi
	check_stock
	# shellcheck disable=SC2086  # words
	swap_unload=$(with_users $swap_wrong)
	plan_undo
	# shellcheck disable=SC2086  # words
	swap_load=$(reversed $swap_unload)

	if name_holders; then
		exit "$exit_busy"
	fi
	if [ "$dry_run" = yes ]; then
		say "Nothing holds the modules; nothing was changed. vsock-netns $swap_command would do:"
		show_plan "$1"
		return
	fi
	carry_out "$1"
	if [ "$1" = ours ]; then
		say "Swapped: ours are loaded now: $swap_wrong"
		if [ "$(read_line "$proc/sys/net/vsock/child_ns_mode")" = local ]; then
			say "Network namespaces that exist, other than the initial one, are local now, and so are new ones."
		else
			say "Network namespaces that exist are global, and stay so; net.vsock.child_ns_mode decides about new ones."
		fi
		swap_settings=$(sysctl_settings)
		[ -z "$swap_settings" ] ||
			say "net.vsock is set in $swap_settings at boot; to have it now: sysctl --system"
	else
		say "Rolled back: the kernel's own are loaded now: $swap_wrong"
		[ "$(kind_on_disk "$swap_release" vsock)" != ours ] ||
			say "Ours is still installed, and loaded after a reboot; uninstall the package to go back for good."
	fi
}
