# SPDX-License-Identifier: GPL-2.0-only
# Sourced by bed and by demo/run: starts what machine A of the sibling test bed has beside it: vhost-device-vsock, the
# hypervisor's side for two virtual machines of one group; the host's services; and B, a small stock sibling.
# shellcheck shell=bash disable=SC2154  # top and others: tests/vm/common.sh

bed_processes=() bed_options=()

# bed_start DIRECTORY MEMORY: sets $bed_options to what A's QEMU needs, which has as much memory. What the parts of the bed
# say goes into files there.
bed_start() {
	local dir=$1 backend image accelerator
	mapfile -t backend < <("$top/tests/siblings/backend")
	"${backend[@]}" --vm "guest-cid=3,socket=$dir/a,uds-path=$dir/a.vsock,groups=siblings" \
		--vm "guest-cid=4,socket=$dir/b,uds-path=$dir/b.vsock,groups=siblings" >"$dir/backend.log" 2>&1 </dev/null &
	bed_processes+=($!)
	bed_until_there "$dir" a b

	# Who calls CID 2 from A finds a socket with the port's number (see tests/lib/sibling.h).
	bed_serve "$dir" 1234 "echo HOST; cat"
	bed_serve "$dir" 1238 "$top/tests/siblings/host-call $dir/a.vsock"
	bed_serve "$dir" 1239 "kill ${bed_processes[0]}"

	use_kernel 6.1
	mapfile -t image < <("$top/tests/siblings/image" 6.1)
	read -r -a accelerator <<<"$("$top/tests/vm/accelerator" "$vmlinux" "$("$top/tests/vm/initramfs" "$kernel_dir" "$release")")"
	bed_machine_options "$dir/b" 192M
	: >"$dir/b.log"
	qemu-system-x86_64 -nodefaults -no-user-config -M q35 -display none -no-reboot -smp 1 "${accelerator[@]}" \
		"${bed_options[@]}" -kernel "${image[0]}" -initrd "${image[1]}" \
		-append "console=ttyS0 panic=-1 no_timer_check mitigations=off" -serial "file:$dir/b.log" \
		>"$dir/b-qemu.log" 2>&1 </dev/null &
	bed_processes+=($!)
	bed_machine_options "$dir/a" "$2"
}

# bed_wait DIRECTORY: until the sibling listens; false when it never will, or has not in ten minutes.
bed_wait() {
	grep -qam 1 "sibling: listens" < <(timeout 600 tail -n +1 -f --pid="${bed_processes[-1]}" "$1/b.log" 2>/dev/null)
}

bed_stop() {
	[ ${#bed_processes[@]} = 0 ] || kill "${bed_processes[@]}" 2>/dev/null || true
}

# bed_until_there DIRECTORY SOCKET…: as soon as who was started last has made them, which it has a minute for.
bed_until_there() {
	local dir=$1 name deadline=$((SECONDS + 60))
	for name in "${@:2}"; do
		until [ -S "$dir/$name" ]; do
			if [ $SECONDS -ge $deadline ] || ! kill -0 "${bed_processes[-1]}" 2>/dev/null; then
				die "the sibling bed does not come up: $(cat "$dir"/*.log)"
			fi
			sleep 0.1
		done
	done
}

# bed_serve DIRECTORY PORT COMMAND
bed_serve() {
	socat "UNIX-LISTEN:$1/a.vsock_$2,fork" "SYSTEM:$3" >>"$1/host.log" 2>&1 </dev/null &
	bed_processes+=($!)
	bed_until_there "$1" "a.vsock_$2"
}

# bed_machine_options SOCKET MEMORY: a vsock device whose other side has the machine's memory.
bed_machine_options() {
	# shellcheck disable=SC2054 # QEMU's commas
	bed_options=(-m "$2" -object "memory-backend-memfd,id=siblings,size=$2,share=on" -machine memory-backend=siblings
		-chardev "socket,id=sibling,path=$1" -device vhost-user-vsock-pci,chardev=sibling)
}
