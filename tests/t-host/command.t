#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command vsock-netns on a made-up machine: status, swap and rollback, what it refuses, and that it puts everything back.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib/guest.sh
. tests/lib/fake-machine.sh

# ---- usage
machine
run
is $status 2 "without a command: usage"
run frobnicate
is $status 2 "an unknown command"
run status --dry-run
is "$status $output" "2 vsock-netns: status does not know '--dry-run'; see vsock-netns help" "an option of another command"
run version
is "$output" "vsock-netns $(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)" "its version is the package's"
run help
is $status 0 "help"
for command in status list swap rollback doctor; do
	like "$output" "  $command " "help has $command"
	like "$(cat command/vsock-netns.bash)" "$command" "the completion has $command"
	like "$(cat command/vsock-netns.8)" "$command" "the manual page has $command"
done

# ---- status
run status
is $status 0 "status, nothing loaded"
like "$output" "no vsock module is loaded" "... says so"
like "$output" "vsock: not loaded; ours is on disk" "... and what comes"
stock_loaded
run status
like "$output" "vsock: stock now; ours 2.0.0 after 'vsock-netns swap' or a reboot" "status, stock loaded, ours installed"
like "$output" "vhost_vsock: stock: nothing changes" "... of vhost_vsock there is none of ours"
run status --json
json_is "status --json: the loaded vsock" '{"kind":"stock","references":0,"srcversion":"S1.0.2.0-k","version":"1.0.2.0-k"}' \
	loaded vsock
json_is "... the one on disk" '"ours"' disk $release modules vsock kind
json_is "... its own loopback has no version" 'null' disk $release modules vhost_vsock version
json_is "... the change" '"swap"' changes vsock change
json_is "... no sysctl" '{}' sysctls
ln -s "$root/sysctls.100" "$root/proc/sys/net/vsock"
sysctls 100 global
run status --json
json_is "... sysctls" '{"child_ns_mode":"global","g2h_fallback":1,"ns_mode":"global"}' sysctls
for want in "7.0.0-1-amd64 native" "5.4.1 old" "4.19.0 old" "6.1.7-other none"; do
	echo "${want% *}" >"$root/release"
	run status --json
	json_is "kernel ${want% *} is ${want#* }" "\"${want#* }\"" kernel support
done
echo $release >"$root/release"
echo CONFIG_VSOCKETS=y >"$root/boot/config-$release"
run status --json
json_is "a built-in vsock" '"builtin"' kernel support

# ---- swap
machine
run swap
is "$status $(did)" "0 " "swap, nothing loaded: nothing is done"
like "$output" "vsock is not loaded" "... says so"
stock_loaded
run swap --dry-run
is "$status $(did) $(loaded)" "0  $all_stock" "swap --dry-run changes nothing"
like "$output" "rmmod vsock.*modprobe vsock.*modprobe vsock_loopback" "... and shows the commands"
run swap
is "$status $(loaded)" "0 $swapped" "swap: ours are loaded, and everything else again" || diag "$output"
like "$output" "Swapped: ours are loaded now: vsock vsock_loopback" "... says so"
like "$output" "Network namespaces that exist are global" "... and what that means for namespaces"
[[ $output != *sysctl.d* ]]
is $? 0 "... and nothing of settings that there are none of"
run swap
is "$status $output" "0 Nothing to do: what is loaded is ours." "a second time there is nothing to do"
: >"$root/did"
run rollback --dry-run
is "$status $(did)" "0 " "rollback --dry-run changes nothing"
like "$output" "insmod $root/lib/modules/$release/$family/vsock.ko" "... and shows where the stock module is"
run rollback
is "$status $(loaded)" "0 $all_stock" "rollback: the stock ones are loaded again" || diag "$output"
like "$output" "Ours is still installed" "... says what a reboot does"
run rollback
is "$status $output" "0 Nothing to do: what is loaded is the kernel's own." "a second time there is nothing to do"

# The DKMS of today moves the stock module away.
machine
stock_loaded
run swap
mkdir -p "$root/var/lib/dkms/vsock-netns/original_module/$release/x86_64"
mv "$root/lib/modules/$release/$family"/vsock{,_loopback}.ko "$root/var/lib/dkms/vsock-netns/original_module/$release/x86_64/"
run rollback
is "$status $(loaded)" "0 $all_stock" "rollback finds the stock modules where DKMS put them" || diag "$output"

machine
stock_loaded
mkdir -p "$root/etc/sysctl.d"
echo 'net.vsock.child_ns_mode = local' >"$root/etc/sysctl.d/vsock.conf"
sysctls 100 local
ln -s "$root/sysctls.100" "$root/proc/sys/net/vsock"
run swap
like "$output" "net.vsock is set in $root/etc/sysctl.d/vsock.conf at boot" "swap tells of settings that wait for a boot"
like "$output" "Network namespaces that exist, other than the initial one, are local" "... and of namespaces that are local"

# Every single step that can fail: rmmod and modprobe of each, insmod when going back.
machine
stock_loaded
keep stock
run swap
swap_steps=$(cat "$root/did")
: >"$root/did"
keep swapped
while read -r step; do
	again stock
	echo "$step" >"$root/fail"
	run swap
	case $step in
	"modprobe vmw_"* | "modprobe vhost_vsock")
		# The same command fails when putting back: what can be is.
		is "$status" 6 "swap: when '$step' fails for good, it says that not all is back" || diag "$output"
		like "$output" "not everything could be put back:.* ${step#* }" "... says what is not"
		like "$(loaded)" "vsock:stock" "... but vsock is"
		;;
	*) is "$status $(loaded)" "5 $all_stock" "swap: when '$step' fails, everything is put back" || diag "$output" ;;
	esac
done <<<"$swap_steps"
again swapped
run rollback
rollback_steps=$(cat "$root/did")
while read -r step; do
	[[ $step != "modprobe vmw_"* && $step != "modprobe vhost_vsock" ]] || continue
	again swapped
	echo "$step" >"$root/fail"
	run rollback
	is "$status $(loaded)" "5 $swapped" "rollback: when '$step' fails, everything is put back" || diag "$output"
done <<<"$rollback_steps"

# A newer build.
again swapped
ours vsock "" 2.0.1
ours vsock_loopback vsock 2.0.1
run swap
is "$status $(cat "$root/sys/module/vsock/version")" "0 2.0.1" "swap brings a newer build" || diag "$output"
like "$output" "no longer on disk" "... and says that the old one is gone"
ours vsock "" 2.0.2
ours vsock_loopback vsock 2.0.2
echo "modprobe vsock_loopback" >"$root/fail"
run swap
is "$status $(loaded)" "5 $all_stock" "... when it does not load, the stock ones work" || diag "$output"

# ---- refusals
again stock
echo 1000 >"$root/id"
run swap
is "$status $output" "1 vsock-netns: vsock-netns swap needs root" "swap needs root"
rm "$root/id"
echo 7.1.3-1-amd64 >"$root/release"
run swap
is "$status $(did)" "4 " "swap declines on 7.x"
like "$output" "have network namespace modes for vsock themselves" "... politely"
run rollback
is "$status" 4 "and so does rollback"
echo $release >"$root/release"
rm "$root/lib/modules/$release/updates/dkms/vsock_loopback.ko"
run swap
is "$status $(did)" "1 " "swap does not take half a set"
like "$output" "vsock_loopback on $release, not ours" "... says which"
ours vsock_loopback vsock
mkdir -p "$root/sys/module/module/parameters"
echo Y >"$root/sys/module/module/parameters/sig_enforce"
run swap
is "$status $(did)" "1 " "swap does not try unsigned modules where signatures are enforced"
keep unsigned
for file in "$root/lib/modules/$release"/updates/dkms/*; do
	echo "signer=DKMS module signing key" >>"$file"
done
mkdir -p "$root/var/lib/dkms"
: >"$root/var/lib/dkms/mok.pub"
run swap
is "$status $(did)" "1 " "... or such that are signed with a key that is not enrolled"
like "$output" "signed by DKMS module signing key, but the key of DKMS is not enrolled.*First: mokutil --import /var/lib/dkms/mok.pub" \
	"... says what to do"
echo "is already in the enrollment request" >"$root/mokutil"
run swap
is "$status $(did)" "1 " "... or one that is to be enrolled"
like "$output" "a key whose enrollment is only requested so far.*First: Reboot, choose Enroll MOK" "... says what to do"
rm "$root/var/lib/dkms/mok.pub"
echo "modprobe vsock" >"$root/fail"
echo "could not insert 'vsock': Key was rejected by service" >"$root/why"
run swap
is "$status" 5 "swap tries a key of which it is not known whether it is enrolled" || diag "$output"
like "$output" "Key was rejected by service.*the kernel does not know the key" "... and explains when the kernel refuses it"
again unsigned
rm -r "$root/sys/module/module"
rm "$root/lib/modules/$release/$family/vsock.ko"
run swap
is "$status $(did)" "1 " "swap does not begin without a way back"
stock vsock "" 1.0.2.0-k
mkdir -p "$root/proc/sys/kernel"
echo 1 >"$root/proc/sys/kernel/modules_disabled"
run swap
is "$status $(did)" "1 " "swap does not begin where no module can be loaded"
rm "$root/proc/sys/kernel/modules_disabled"
mkdir -p "$root/sys/module/alien/holders"
: >"$root/sys/module/vsock/holders/alien"
run swap
is "$status $(did)" "1 " "swap does not touch modules that it does not know"
like "$output" "the module alien uses vsock" "... names it"
rm -r "$root/sys/module/alien" "$root/sys/module/vsock/holders/alien"
keep idle
on=$release
stock vsockmon vsock
modprobe vsockmon
: >"$root/did"
echo '7: mon0: <NOARP> mtu 65536 qdisc noop state DOWN mode DEFAULT group default qlen 1000' >"$root/monitors.100"
run swap --dry-run
is "$status $(did)" "3 " "swap does not delete interfaces of vsockmon without a word"
like "$output" "vsockmon interface mon0: nsenter --net=$root/proc/1/ns/net ip link delete mon0" "... names them"
# shellcheck disable=SC2016  # a name
echo '8: $(halt): <NOARP> mtu 65536' >"$root/monitors.100"
run swap
like "$status $output" '^3 .*delete \?\?halt\?' "... in a way that can be pasted"
rm "$root/monitors.100"
run swap
is "$status $(loaded)" "0 $swapped vsockmon:stock" "... without any it goes on" || diag "$output"
like "$(parts '. command/lib/swap.sh; command() { return 1; }; named_monitors' 2>&1)" "vsockmon is loaded, and ip is missing" \
	"... and where nobody can tell, it says so"
again idle
mkdir -p "$root/run/vsock-netns"
chmod 755 "$root/run/vsock-netns"
exec 7>"$root/run/vsock-netns/lock"
flock 7
run swap
is "$status $(did)" "1 " "two at a time do not work"
exec 7>&-
mkdir "$scratch/watch"
for program in modprobe insmod; do
	printf '#!/bin/sh\nreadlink /proc/$$/fd/9 >>%s/keeps\nexec %s/bin/%s "$@"\n' "$scratch" "$scratch" $program >"$scratch/watch/$program"
	chmod 755 "$scratch/watch/$program"
done
PATH=$scratch/watch:$PATH run swap
is "$status $(cat "$scratch/keeps")" "0 " "what modprobe leaves behind does not keep the lock"
is "$(stat -c %a "$root/run/vsock-netns") $(ls "$root/run")" $'700 netns\nvsock-netns' "nobody but root can take it"
: >"$scratch/keeps"
PATH=$scratch/watch:$PATH run rollback
is "$status $(sort -u "$scratch/keeps")" "0 " "nor does what insmod does"


# ---- installed
mkdir "$scratch/installed"
ok "it installs" env DESTDIR="$scratch/installed" command/install /usr
is "$("$scratch/installed/usr/sbin/vsock-netns" version)" "$(command/vsock-netns version)" "and runs from there"
ok "and the same as from the checkout" diff <("$scratch/installed/usr/sbin/vsock-netns" status) <(command/vsock-netns status)
for file in man/man7/vsock-netns.7 man/man8/vsock-netns.8 bash-completion/completions/vsock-netns; do
	ok "with $file" test -s "$scratch/installed/usr/share/$file"
done
is "$(find "$scratch/installed" -type f ! -perm 644 -printf '%m %P\n')" "755 usr/sbin/vsock-netns" "for all to read"
ok "it uninstalls" env DESTDIR="$scratch/installed" command/install -u /usr
is "$(find "$scratch/installed" -type f)" "" "and leaves nothing"
for page in command/vsock-netns.8 docs/vsock-netns.7; do
	if command -v man >/dev/null; then
		is "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z $page 2>&1 >/dev/null)" "" "$page has no mistakes"
	else
		skip "no man here" "$page has no mistakes"
	fi
done

done_testing
