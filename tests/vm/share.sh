# SPDX-License-Identifier: GPL-2.0-only
# Sourced by initramfs and vm: by which file system a test machine sees directories of this one. QEMU itself serves 9p.
# Cloud flavours have no 9p and get virtiofs, which takes a process beside QEMU for each directory.
# shellcheck shell=bash disable=SC2154  # top, run: common.sh and vm

# share_type MODULES-DIR: what the kernel with these modules can mount.
share_type() {
	local type
	for type in 9p virtiofs; do
		if grep -qs "/$type\.ko" "$1/modules.dep" "$1/modules.builtin"; then
			echo $type
			return
		fi
	done
	die "${1##*/} has neither 9p nor virtiofs: modules can be built for it, but a test machine cannot run it"
}

# share_modules TYPE: what the machine loads for it.
share_modules() {
	case $1 in
	9p) echo 9pnet_virtio 9p ;;
	virtiofs) echo virtiofs ;;
	esac
}

# share_mounts TYPE: what initramfs-init mounts it with: the type, the options for files that nobody changes meanwhile, and
# those for a directory in which both sides write.
share_mounts() {
	local transport=trans=virtio,version=9p2000.L,msize=512000
	case $1 in
	9p) echo "9p $transport,ro,cache=loose $transport,cache=none" ;;
	virtiofs) echo "virtiofs ro rw" ;;
	esac
}

# share_directory TYPE TAG DIRECTORY: adds what QEMU needs to $share_options, and starts what has to run beside it.
share_options=() share_daemons=()
share_directory() {
	case $1 in
	9p) share_9p "$2" "$3" ;;
	virtiofs) share_virtiofs "$2" "$3" ;;
	esac
}

share_9p() {
	local readonly=""
	[ "$2" != / ] || readonly=,readonly=on
	share_options+=(-fsdev "local,id=$1,path=$2$readonly,security_model=none,multidevs=remap"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

# The daemon is part of QEMU in Debian 12, a package later.
find_virtiofsd() {
	local program
	for program in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
		[ ! -x $program ] || { echo $program && return; }
	done
	return 1
}

share_virtiofs() {
	local socket=$run/$1.socket cache=none program options
	[ "$2" != / ] || cache=always
	program=$(find_virtiofsd) || {
		"$top/tests/vm/setup" virtiofs
		program=$(find_virtiofsd) || die "no virtiofsd"
	}
	# It confines itself by chroot: making namespaces is what containers, which tests may run in, do not let it do.
	options="source=$2,cache=$cache,sandbox=chroot"
	share_daemons+=("$(serve "$socket" "$run/qemu-$1" "$program" -f -o "$options")")
	share_options+=(-chardev "socket,id=$1,path=$socket" -device "vhost-user-fs-pci,chardev=$1,tag=$1")
}

# serve SOCKET LOG COMMAND…: prints the number of a process that runs the command with --fd=, on a socket that QEMU can
# connect to from now on.
serve() {
	perl -MIO::Socket::UNIX -e '
		my ($path, $log, @command) = @ARGV;
		$^F = 255;    # exec closes what is above
		my $socket = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "$path: $!\n";
		my $process = fork // die "fork: $!\n";
		if ($process) {
			print "$process\n";
			exit;
		}
		open STDOUT, ">", $log or die "$log: $!\n";
		open STDERR, ">&STDOUT";
		exec @command, "--fd=" . fileno $socket;
		die "$command[0]: $!\n";
	' "$@" </dev/null
}

# share_memory TYPE SIZE: the daemons read and write the machine's memory.
share_memory() {
	[ "$1" != virtiofs ] || share_options+=(-object "memory-backend-memfd,id=shared,size=$2,share=on"
		-machine memory-backend=shared)
}

# The daemons end with QEMU; this is for those that it never came to.
share_end() {
	[ ${#share_daemons[@]} = 0 ] || kill "${share_daemons[@]}" 2>/dev/null || true
}
