# SPDX-License-Identifier: GPL-2.0-only
# Sourced by tests, demo and bench in a test machine after guest.sh: virtual machines in there, here called guests, whose
# vsock device is served by vhost_vsock. In each runs guest-agent, on a distribution kernel; tests/nested/prepare made
# what they boot from, and the state of one that has booted, which takes seconds to go on from instead of minutes to boot.
# shellcheck shell=bash disable=SC2154  # TESTBIN: the environment

nested_qemu=${NESTED_QEMU:-qemu-system-x86_64}
nested_files=${NESTED_FILES:-${TESTBIN:-}/../nested}
nested_run=${NESTED_RUN:-/run/nested}
nested_state_patience=400 nested_boot_patience=900
# Checkers make everything slower.
[ "${KERNEL:-}" != debug ] || nested_state_patience=900

# A state goes on only in the machine it was saved in, so there is one machine, of one version, for all. It has little that a
# kernel would look at; the slot is where the vsock device is, or is plugged in later.
nested_machine=(-nodefaults -no-user-config -M "pc-q35-7.2,usb=off,smbus=off,sata=off,i8042=off,memory-backend=memory"
	-object "memory-backend-memfd,id=memory,size=160M,share=on" -m 160M -smp 1
	-accel "tcg,thread=single,tb-size=64" -cpu "qemu64,+smep,+smap,+rdrand"
	-display none -device "pcie-root-port,id=vsock-slot,chassis=1")
nested_words="console=ttyS0 quiet panic=-1 no_timer_check nokaslr mitigations=off tsc=reliable random.trust_cpu=on"

declare -A guest_pid guest_cid guest_netns guest_in guest_out

# guest_dir NAME: with its serial line in console, and what QEMU says in qemu.
guest_dir() { echo "$nested_run/$1"; }

guest_lives() { kill -0 "${guest_pid[$1]}" 2>/dev/null; }

# guest_printed NAME WORDS: on its serial line. Without a process of its own: the processors are busy enough.
guest_printed() {
	local text
	IFS= read -r -d '' text <"$nested_run/$1/console"
	[[ $text = *"$2"* ]]
}

# guest_until NAME SECONDS COMMAND…: tries until it succeeds; false when it did not in that time, or never can.
guest_until() {
	local name=$1 deadline=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] && guest_lives "$name" || return 1
		! guest_printed "$name" "Kernel panic" || return 1
		sleep 0.5
	done
}

# guest_launch NAME NETNS QEMU-WORD…: false when QEMU ends before it has made the machine.
guest_launch() {
	local name=$1 netns=$2 dir=$nested_run/$1 enter=() in out
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	: >"$dir/console"
	mkfifo "$dir/monitor.in" "$dir/monitor.out"
	# Open here at both ends, so that neither side waits for the other to come, or loses what was said before.
	exec {in}<>"$dir/monitor.in" {out}<>"$dir/monitor.out"
	[ -z "$netns" ] || enter=(nsenter "--net=/run/netns/$netns" --)
	"${enter[@]}" "$nested_qemu" "${nested_machine[@]}" -chardev "pipe,id=monitor,path=$dir/monitor" \
		-mon chardev=monitor,mode=control -serial "file:$dir/console" "$@" </dev/null >"$dir/qemu" 2>&1 &
	guest_pid[$name]=$! guest_netns[$name]=$netns guest_in[$name]=$in guest_out[$name]=$out
	guest_ask "$name" '{"execute":"qmp_capabilities"}' >/dev/null
}

# guest_ask NAME JSON: the answer to a command of QEMU's monitor; false when QEMU is gone.
guest_ask() {
	local id=$EPOCHREALTIME line="" part
	printf '%s,"id":"%s"}\n' "${2%\}}" "$id" >&"${guest_in[$1]}"
	while :; do
		if IFS= read -r -t 1 -u "${guest_out[$1]}" part; then
			line+=$part
			[[ $line != *"\"id\": \"$id\""* ]] || break
			line=""
		else
			line+=$part
			guest_lives "$1" || return 1
		fi
	done
	printf '%s\n' "$line"
}

# guest_monitor NAME COMMAND: as typed at QEMU's prompt; prints what that says.
guest_monitor() {
	local answer words=${2//\\/\\\\}
	words=${words//\"/\\\"}
	answer=$(guest_ask "$1" \
		"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"$words\"}}") || return
	answer=${answer#*'"return": "'}
	answer=${answer%'", "id":'*}
	answer=${answer//\\r/}
	[ -z "$answer" ] || printf '%b' "${answer//\\\"/\"}"
}

# guest_status NAME COMMAND STATUS: that query command of QMP tells that status.
guest_status() { [[ $(guest_ask "$1" "{\"execute\":\"$2\"}") = *"\"status\": \"$3\""* ]]; }

# guest_boot_words KERNEL: from the first instruction of its kernel on.
guest_boot_words() {
	boot=(-kernel "$nested_files/$1/vmlinux" -initrd "$nested_files/$1/initramfs" -append "$nested_words")
}

guest_device() { echo "vhost-vsock-pci,id=vsock,bus=vsock-slot,guest-cid=$1"; }

# guest_start NAME KERNEL CID [NETNS [QEMU-WORD…]]: boots it; see guest_wait_ready. False when QEMU refuses.
guest_start() {
	local name=$1 kernel=$2 cid=$3 netns=${4:-} boot
	shift $(($# < 4 ? $# : 4))
	guest_cid[$name]=$cid
	guest_boot_words "$kernel"
	guest_launch "$name" "$netns" "${boot[@]}" -device "$(guest_device "$cid")" "$@"
}

# guest_resume NAME KERNEL CID [NETNS [STATE-FILE]]: goes on from a state. Without a file it is the one made before the
# tests, and the vsock device is plugged in when it runs. Prints what QEMU has to say, and fails, when QEMU refuses.
guest_resume() {
	local name=$1 kernel=$2 cid=$3 netns=${4:-} file=${5:-} boot device=() said
	guest_cid[$name]=$cid
	guest_boot_words "$kernel"
	[ -z "$file" ] || device=(-device "$(guest_device "$cid")")
	guest_launch "$name" "$netns" "${boot[@]}" "${device[@]}" \
		-incoming "exec:cat ${file:-$nested_files/$kernel/state}" || {
		cat "$nested_run/$name/qemu"
		return 1
	}
	guest_until "$name" $nested_state_patience guest_status "$name" query-status running || {
		cat "$nested_run/$name/qemu"
		return 1
	}
	[ -z "$file" ] || return 0
	said=$(guest_monitor "$name" "device_add $(guest_device "$cid")") || return
	[ -z "$said" ] || printf '%s\n' "$said"
	[ -z "$said" ]
}

# guest_save NAME FILE: its state, while it runs; it is stopped then.
guest_save() {
	local answer
	answer=$(guest_ask "$1" "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat >$2\"}}") || return
	if [[ $answer = *'"error"'* ]] || ! guest_until "$1" $nested_state_patience guest_status "$1" query-migrate completed; then
		printf '%s\n' "$answer" "$(guest_monitor "$1" "info migrate")"
		return 1
	fi
}

# guest_traffic NAME WHAT…: see tests/programs/guest-traffic.c
guest_traffic() {
	ns_exec "${guest_netns[$1]}" "$TESTBIN/guest-traffic" "${guest_cid[$1]}" "${@:2}"
}

# guest_wait_booted NAME: as it says on its serial line, without help of vsock.
guest_wait_booted() { guest_until "$1" $nested_boot_patience guest_printed "$1" "guest-agent: ready"; }

# guest_wait_ready NAME: it can be connected to. A guest that was just started should have been waited for to boot.
guest_wait_ready() { guest_until "$1" $nested_state_patience guest_traffic "$1" ping; }

# guest_reboot NAME: as the reset button does.
guest_reboot() {
	: >"$nested_run/$1/console"
	guest_monitor "$1" system_reset
}

# guest_kill NAME: at once, as by the kernel when memory is short.
guest_kill() {
	kill -KILL "${guest_pid[$1]}" 2>/dev/null || true
	guest_forget "$1"
}

guest_quit() {
	guest_monitor "$1" quit >/dev/null
	guest_forget "$1"
}

# guest_forget NAME: waits for the end of QEMU.
guest_forget() {
	local in=${guest_in[$1]} out=${guest_out[$1]}
	wait "${guest_pid[$1]}" 2>/dev/null || true
	exec {in}>&- {out}>&-
	unset "guest_pid[$1]" "guest_in[$1]" "guest_out[$1]"
}

# guest_explain NAME…: for whoever reads a failed test.
guest_explain() {
	local name
	for name in "$@"; do
		diag "$name: QEMU said:" "$(tail -n 5 "$nested_run/$name/qemu")" "its serial line:" \
			"$(tail -n 20 "$nested_run/$name/console" | tr -d '\r')"
	done
}
