#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What packages are made of, without building one: scripts that a shell can read, lists without missing files, documents whose
# links lead somewhere; and make install as far as it decides itself.
# shellcheck disable=SC2016,SC2030,SC2031,SC2317  # text for other shells; a function's own shell; functions that ok is given
set -uo pipefail
self=$(readlink -f "$0")
cd "$(dirname "$self")/../.." || exit
. tests/lib/guest.sh

scratch=${PACKAGING_SCRATCH:-$(mktemp -d)}
[ -n "${PACKAGING_SCRATCH:-}" ] || trap 'rm -rf "$scratch"' EXIT
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# ---- make install, on files of its own (see the end). What it calls writes down how it is called.
make_install() {
	local bin=$scratch/bin tree=$scratch/tree share=/usr/local/share/vsock-netns kernel directory
	# A machine without a kernel package has no such directory. Where one cannot be mounted nothing is tried.
	mkdir -p /lib/modules
	for directory in /lib/modules /usr/src /usr/local /usr/share /run; do
		mount -t tmpfs none $directory || return
	done
	for kernel in 6.1.0-1-amd64 6.1.0-2-amd64; do
		mkdir -p "/lib/modules/$kernel"/{kernel,build}
		touch "/lib/modules/$kernel/build/Makefile"
		echo CONFIG_VSOCKETS=m >"/lib/modules/$kernel/build/.config"
	done
	mkdir -p "$bin" "$tree"/{packaging,command} $share "/usr/src/vsock-netns-1.9" /usr/src/vsock-netns-kmod
	cp -r scripts dkms.conf "$tree/"
	cat >"$tree/packaging/install" <<-INSTALL
		#!/bin/sh
		[ "\$1" != -u ] || exec echo "install \$*" >>$scratch/did
		mkdir -p /usr/src/vsock-netns-$version
		echo "\$SOURCES" >/usr/src/vsock-netns-$version/dkms.conf
		exit \${ENDS:-0}
	INSTALL
	printf '#!/bin/sh\necho "command/install $*" >>%s/did\n' "$scratch" >"$tree/command/install"
	printf '#!/bin/sh\necho "settle $*" >>%s/did\nexit ${SETTLES:-0}\n' "$scratch" >"$tree/packaging/settle"
	printf '#!/bin/sh\necho "settle $*" >>%s/did\n' "$scratch" >$share/settle
	# DKMS knows this version, and no other.
	printf '#!/bin/sh\ncase "$1 $5" in status\\ 1.9) ;; status*) echo known ;; *) echo "dkms $*" >>%s/did ;; esac\n' "$scratch" \
		>"$bin/dkms"
	cat >>"$bin/dkms" <<-LOCK
		[ "\$1" != remove ] || {
			stat -c %a /run/vsock-netns
			flock -n /run/vsock-netns/lock true || echo locked
			ls -l /proc/\$\$/fd | grep -o '/run/vsock-netns.*' || :
		} >$scratch/lock 2>&1
	LOCK
	chmod 755 "$bin/dkms" $share/settle "$tree"/{packaging/install,packaging/settle,command/install}
	PATH=$bin:$PATH
	export SOURCES=one
	rm -f "$scratch/did"
	KVER=6.1.0-1-amd64 "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(paste -s -d , "$scratch/did")" "0 dkms remove vsock-netns/$version --all,settle install" \
		"make install KVER=…: what loses its modules to other sources gets them again" || diag "$(cat "$scratch/said")"
	is "$(paste -s -d , "$scratch/lock")" "700,locked" "... beside nobody else, and what DKMS leaves behind does not keep the lock"
	is "$(echo /usr/src/vsock-netns-*)" "/usr/src/vsock-netns-$version /usr/src/vsock-netns-kmod" "an older version's sources go"
	rm -f "$scratch/did"
	KVER=6.1.0-1-amd64 "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/did")" "0 settle install 6.1.0-1-amd64" "the same sources again: that kernel only"
	rm -f "$scratch/did"
	KVER=6.1.0-1-amd64 SOURCES=two ENDS=1 "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/did" 2>/dev/null)" "1 " "new sources, and then it fails: nothing is built"
	KVER=6.1.0-1-amd64 SOURCES=two "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(paste -s -d , "$scratch/did")" "0 dkms remove vsock-netns/$version --all,settle install" \
		"... the next time they are built from" || diag "$(cat "$scratch/said")"
	rm -r /lib/modules/6.1.0-1-amd64/build
	KVER=6.1.0-1-amd64 "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/said")" "1 vsock-netns: no headers for kernel 6.1.0-1-amd64: $(. scripts/headers.sh; headers_advice 6.1.0-1-amd64)" \
		"without headers it says how to get them"
	printf '#!/bin/sh\nexit 1\n' >$share/settle
	KVER=6.1.0-2-amd64 "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$?" 1 "when settle fails, so does it"

	rm -f "$scratch/did"
	SETTLES=1 "$tree/scripts/dkms-uninstall" >"$scratch/said" 2>&1
	like "$? $(cat "$scratch/did" "$scratch/said")" "^1 settle remove.vsock-netns: not uninstalled: .* mend that and repeat make uninstall$" \
		"make uninstall: when not every kernel gets its own back, the rest stays, and that is said"
	"$tree/scripts/dkms-uninstall" >"$scratch/said" 2>&1
	is "$? $(tail -n 1 "$scratch/did" | cut -d ' ' -f 1,2)" "0 install -u" "... all goes when it does"

	mkdir -p /usr/share/vsock-netns "$scratch"/{fedora,arch}/usr/bin
	touch /usr/share/vsock-netns/settle "$scratch/fedora/usr/bin/dnf" "$scratch/arch/usr/bin/pacman"
	root=$scratch/fedora "$tree/scripts/dkms-install" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/said")" "1 vsock-netns: vsock-netns is installed as a package already; take that away first: dnf remove vsock-netns-dkms" \
		"make install beside a package: the word of the distribution"
	rm -f "$scratch/did"
	"$tree/scripts/dkms-uninstall" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/did")" "0 command/install -u" "make uninstall beside a package takes away what is below /usr/local"
	rm -r $share
	root=$scratch/arch "$tree/scripts/dkms-uninstall" >"$scratch/said" 2>&1
	is "$? $(cat "$scratch/said")" "1 vsock-netns: vsock-netns is installed as a package: pacman -R vsock-netns-dkms" "... or says how the package goes"
}
if [ -n "${PACKAGING_SCRATCH:-}" ]; then
	make_install
	done_testing
fi

# ---- what is installed, and taken away
export DESTDIR=$scratch/installed
mkdir -p "$DESTDIR/usr/src/vsock-netns-1.9" "$DESTDIR/usr/src/vsock-netns-kmod"
ok "packaging/install" packaging/install debian
for file in usr/src/vsock-netns-"$version"/{Makefile,Kbuild,dkms.conf,src/core/table.c,scripts/build,scripts/headers.sh} \
	usr/local/share/vsock-netns/{settle,common.sh,headers.sh,signing.sh} usr/local/sbin/vsock-netns; do
	ok "there is $file" test -s "$DESTDIR/$file"
done
is "$(bash -c '. "$1/lib.sh" && package_version' - "$DESTDIR/usr/src/vsock-netns-$version/scripts" 2>&1)" "$version" \
	"what DKMS builds with is complete"
ok "packaging/install -u" packaging/install -u debian
is "$(cd "$DESTDIR" && find . -type f && ls usr/src)" vsock-netns-kmod "leaves nothing, of no version"
ok "packaging/install kernel-install" packaging/install kernel-install
for module in vsock vsock_loopback vhost_vsock; do
	for directory in extra updates; do
		ok "depmod: $module in $directory is in front of all others" \
			grep -qx "override $module \* $directory" "$DESTDIR/usr/lib/depmod.d/vsock-netns.conf"
	done
done
ok "packaging/install -u" packaging/install -u kernel-install
is "$(cd "$DESTDIR" && find . -type f)" "" "leaves none of that"
unset DESTDIR
like "$(cat dkms.conf)" $'\nNO_WEAK_MODULES="yes"\n' "no kernel gets links to another one's modules"

# ---- the kernels' hooks
printf '#!/bin/sh\necho "settle $*"\nexit 1\n' >"$scratch/settle"
chmod 755 "$scratch/settle"
# hook NAME ARGUMENT…: runs it with settle as an echo that fails, installed by make install.
hook() {
	sed "s|/usr/share/vsock-netns/settle|$scratch/none|; s|/usr/local/share/vsock-netns/settle|$scratch/settle|" "packaging/kernel-hooks/$1" \
		>"$scratch/hook"
	sh "$scratch/hook" "${@:2}" 2>&1
	echo "$?"
}
is "$(hook debian 6.1.0-1-amd64 /boot/vmlinuz-6.1.0-1-amd64 | paste -s -d ,)" "settle install -a 6.1.0-1-amd64,0" "debian's hook: that kernel"
is "$(hook kernel-install add 6.1.0-1 /boot/entry /boot/vmlinuz | paste -s -d ,)" "settle install -a 6.1.0-1,0" "kernel-install's hook: that kernel"
is "$(hook kernel-install remove 6.1.0-1 /boot/entry)" 0 "... not when it goes"

# links_of DOCUMENT: what its relative links lead to, as paths.
links_of() { grep -oE '\]\([^):#]+[)#]' "$1" | sed 's/^](//; s/[)#]$//' | sort -u; }
ok "packaging/documents" packaging/documents "$scratch/documents"
ok "SECURITY.md is among them" test -s "$scratch/documents/SECURITY.md"
while read -r document; do
	while read -r link; do
		ok "${document#"$scratch/documents/"}: $link is there" test -e "$(dirname "$document")/$link"
	done < <(links_of "$document")
done < <(find "$scratch/documents" -name '*.md' | sort)
for archive in deb rpm; do
	for file in Makefile Kbuild dkms.conf CHANGELOG.md README.md SECURITY.md CONTRIBUTING.md src scripts command docs packaging; do
		like "$(grep 'Makefile Kbuild' packaging/make-$archive) " "[ 	]$file " "make $archive takes $file"
	done
done

# ---- Debian
like "$(cat packaging/debian/control)" "Build-Depends: .*dh-sequence-dkms" "a name that Debian 11 has too"
for script in postinst prerm postrm; do
	ok "debian: $script is readable for a shell" sh -n packaging/debian/vsock-netns-dkms.$script
done
# debian_script NAME ARGUMENT [COMMAND]: runs it with settle as an echo, and the command in the place of what debhelper generates.
debian_script() {
	sed "s|/usr/share/vsock-netns/settle|echo settle|; s|^#DEBHELPER#|${3:-:}|" "packaging/debian/vsock-netns-dkms.$1" >"$scratch/script"
	sh "$scratch/script" "$2" 2>&1
	echo "$?"
}
for argument in configure abort-upgrade abort-remove abort-deconfigure; do
	is "$(debian_script postinst $argument "exit 1" | paste -s -d ,)" "settle install -a,0" "debian: postinst $argument"
done
is "$(debian_script postinst triggered)" 0 "debian: postinst triggered"
is "$(debian_script prerm upgrade "exit 4")" 0 "debian: prerm upgrade, when DKMS fails"
is "$(debian_script prerm remove "exit 4" | paste -s -d ,)" "settle remove,0" "debian: prerm remove, when DKMS fails"

# purge COMMAND…: with logs of kernels, of which some have not got their own back.
purge() {
	rm -rf "$scratch/log"
	mkdir "$scratch/log"
	for kernel in "$@"; do
		printf '%s\n' today "$kernel" >"$scratch/log/${kernel##* }.log"
	done
	"$purge" 2>&1
	if [ -d "$scratch/log" ]; then
		find "$scratch/log" -type f -printf '%f\n' | sort | paste -s -d ,
	else
		echo gone
	fi
}
# purges NAME FUNCTION
purges() {
	purge=$2
	is "$(purge "the kernel's own modules are in place fine" "our modules are in place ours")" gone "$1: the logs go"
	is "$(purge "the kernel's own modules are in place fine" "the kernel's own modules are not all back: a" \
		"the kernel's own modules are in place; but the initramfs b" "interrupted, so that c")" "a.log,b.log,c.log" \
		"$1: but for those of kernels that have not got their own back"
}
debian_purge() {
	sed "s|/var/log/vsock-netns|$scratch/log|g" packaging/debian/vsock-netns-dkms.postrm >"$scratch/script"
	sh "$scratch/script" purge
}
purges "debian: purge" debian_purge

# ---- RPM
spec=packaging/rpm/vsock-netns-dkms.spec
if command -v rpmspec >/dev/null; then
	ok "rpm: the specification is one" rpmspec -q --define "version_of_tree $version" $spec
	like "$(rpmspec -q --requires --define "version_of_tree $version" $spec)" "dkms >= 3.1" "rpm: it wants a DKMS that puts modules back"
else
	skip "no rpmspec here" "rpm: the specification is one" "rpm: it wants a DKMS that puts modules back"
fi
# section NAME: its lines.
section() { awk -v name="%$1" '/^%[a-z]+( |$)/ && $1 !~ /^%(doc|license|config)/ { inside = $1 == name; next } inside' $spec; }
for script in install post preun transfiletriggerin; do
	section $script >"$scratch/script"
	ok "rpm: %$script has lines" test -s "$scratch/script"
	ok "rpm: %$script is readable for a shell" sh -n "$scratch/script"
done
# scriptlet NAME ARGUMENT: runs it with settle and DKMS as echoes that fail.
scriptlet() {
	{
		echo 'settle() { echo "settle $*"; return 1; }; dkms() { echo "dkms $*" >&3; return 4; }'
		section "$1" | sed 's|/usr/share/vsock-netns/settle|settle|; s/%{version}/2/'"; s|/etc/dkms/no|$scratch/no|"
	} >"$scratch/script"
	# Not through a pipe: most read nothing, and may have ended before it is written.
	sh -e "$scratch/script" "$2" 3>&1 <<</usr/src/kernels/6.1.0-1/Makefile
	echo "$?"
}
is "$(scriptlet post 1 | paste -s -d ,)" "settle install -a,0" "rpm: %post of an installation"
is "$(scriptlet post 2 | paste -s -d ,)" "dkms remove vsock-netns/2 --all,settle install -a,0" "rpm: %post of an upgrade"
touch "$scratch/no-autoinstall"
is "$(scriptlet post 2 | paste -s -d ,)" "settle install -a,0" "rpm: ... which takes nothing away where nothing would be built"
rm "$scratch/no-autoinstall"
is "$(scriptlet preun 0 | paste -s -d ,)" "settle remove,0" "rpm: %preun of a removal"
is "$(scriptlet preun 1)" 0 "rpm: %preun of an upgrade"
is "$(scriptlet transfiletriggerin 1 | paste -s -d ,)" "settle install -a,0" "rpm: %transfiletriggerin"
like "$(cat $spec)" "%transfiletriggerin -- /usr/src/kernels" "rpm: headers that come later are noticed"

# ---- Arch
ok "arch: PKGBUILD is readable for a shell" bash -n packaging/arch/PKGBUILD
ok "arch: so is the rest" bash -n packaging/arch/vsock-netns-dkms.install
# arch_script FUNCTION: runs it with settle as an echo that fails.
arch_script() {
	sed "s|/usr/share/vsock-netns/settle|$scratch/settle|" packaging/arch/vsock-netns-dkms.install >"$scratch/script"
	bash -c '. "$1" && "$2"' - "$scratch/script" "$1" 2>&1
	echo "$?"
}
is "$(arch_script pre_remove | paste -s -d ,)" "settle remove,0" "arch: a removal gives the kernels their own back"
arch_purge() {
	sed "s|/var/log/vsock-netns|$scratch/log|g" packaging/arch/vsock-netns-dkms.install >"$scratch/script"
	bash -c '. "$1" && post_remove' - "$scratch/script"
}
purges "arch: post_remove" arch_purge
is "$(grep -c 'settle' <(arch_script post_upgrade))" 0 "arch: an upgrade does not"
arch_package() (
	set -e
	# shellcheck disable=SC2034  # read by PKGBUILD
	startdir=$PWD/packaging/arch pkgdir=$scratch/arch
	. packaging/arch/PKGBUILD
	[ "$(pkgver)" = "$version" ]
	[ -e "$startdir/$install" ]
	package
)
ok "arch: package() installs what it names" arch_package
for file in usr/bin/vsock-netns usr/share/vsock-netns/settle usr/src/vsock-netns-"$version"/dkms.conf usr/share/licenses/vsock-netns-dkms/LICENSE \
	usr/share/libalpm/hooks/80-vsock-netns.hook usr/share/doc/vsock-netns-dkms/SECURITY.md $(. packaging/arch/PKGBUILD; echo "${backup[@]}"); do
	ok "arch: there is $file" test -s "$scratch/arch/$file"
done
program=$(sed -n 's/^Exec = \([^ ]*\).*/\1/p' packaging/arch/80-vsock-netns.hook)
ok "arch: the hook's $program is there" test -x "$scratch/arch$program"

# ---- make install
if [ "$(id -u)" = 0 ]; then
	mkdir "$scratch/private"
	said=$(PACKAGING_SCRATCH=$scratch/private unshare --mount --propagation private "$self" 2>"$scratch/diag")
	[ -n "$said" ] || diag "$(cat "$scratch/diag")"
	is "$(grep '^1\.\.' <<<"$said")" "1..13" "make install: all of it is tried"
	while IFS= read -r line; do
		like "$line" "^ok" "${line#*- }" || diag "$(cat "$scratch/diag")"
	done < <(grep -E '^(not )?ok' <<<"$said")
else
	skip "needs root" "make install: all of it is tried"
fi

done_testing
