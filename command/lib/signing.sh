# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC2154  # set in common.sh
# For vsock-netns doctor and swap: are our modules signed where the kernel wants that, and does it know the key?

# dkms_setting NAME RELEASE: from the configuration of DKMS; the last one counts.
dkms_setting() {
	cat "$root/etc/dkms/framework.conf" "$root/etc/dkms/framework.conf.d"/*.conf 2> /dev/null |
		sed -n "s/^[[:space:]]*$1=//p" | tail -n 1 | tr -d "\"'" | sed "s/\${*kernelver}*/$2/g"
}

# dkms_is_old: 2.x has no key of its own; it signs with a script that its configuration names, or with Ubuntu's key.
dkms_is_old() {
	case $(dkms --version 2> /dev/null) in
	*[!0-9.]2.*) return 0 ;;
	esac
	return 1
}

is_ubuntu() { grep -qsx 'ID="*ubuntu"*' "$root/etc/os-release"; }

# mok_certificate RELEASE: the file of the certificate that DKMS signs with, or will; nothing when that is not known.
mok_certificate() {
	shim_directory=/var/lib/shim-signed/mok
	certificate=$(dkms_setting mok_certificate "$1")
	if dkms_is_old; then
		certificate=
		# Only Ubuntu makes a key there by itself; DKMS looks for it everywhere.
		if [ -z "$(dkms_setting sign_tool "$1")" ] && command -v kmodsign > /dev/null &&
			command -v update-secureboot-policy > /dev/null && { is_ubuntu || [ -e "$root$shim_directory/MOK.der" ]; }; then
			certificate=$shim_directory/MOK.der
		fi
	elif [ -z "$(dkms_setting mok_signing_key "$1")" ] && is_ubuntu; then
		# Without a key in the configuration, the certificate there does not count either.
		certificate=$shim_directory/MOK.der
	else
		certificate=${certificate:-/var/lib/dkms/mok.pub}
	fi
	say "$certificate"
}

# secure_boot: is it on? The value of the variable is the byte after its attributes.
secure_boot() {
	[ "$(od -An -tu1 -j4 -N1 "$sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c" 2> /dev/null |
		tr -d ' ')" = 1 ]
}

# signatures_wanted: says why.
signatures_wanted() {
	modules_enforced && return
	secure_boot && say "Secure Boot is on, with which most kernels load signed modules only"
}

# unwelcome MESSAGE: a problem where the kernel that runs insists, else a warning.
unwelcome() {
	if modules_enforced > /dev/null; then
		problem "$1"
	else
		warning "$1"
	fi
}

# needs_signature RELEASE: is a module of ours there unsigned that DKMS would sign?
needs_signature() {
	signatures_wanted > /dev/null || return 1
	for needs_module in $doctor_set; do
		[ -n "$(file_field signer "$(file_of "$1" "$needs_module")")" ] || {
			[ -n "$(mok_certificate "$1")$(dkms_setting sign_tool "$1")" ]
			return
		}
	done
	return 1
}

# check_signatures RELEASE: of those modules that are ours.
check_signatures() {
	signatures_reason=$(signatures_wanted) || return 0
	signatures_signed='' signatures_wrong=no
	for signatures_module in $doctor_set; do
		signatures_file=$(file_of "$1" "$signatures_module")
		[ "$(file_kind "$signatures_file")" = ours ] || continue
		if [ -n "$(file_field signer "$signatures_file")" ]; then
			signatures_signed=$signatures_file
		else
			unwelcome "$1: $signatures_file is not signed, and $signatures_reason (\"Key was rejected by service\")"
			signatures_wrong=yes
		fi
	done
	[ "$signatures_wrong" = no ] || advise_signing "$1"
	[ -z "$signatures_signed" ] || check_certificate "$1" "$signatures_signed"
}

# advise_signing RELEASE
advise_signing() {
	signing_certificate=$(mok_certificate "$1")
	if [ -n "$signing_certificate" ]; then
		advice "Let DKMS sign (it needs openssl), with a key that the firmware knows:" \
			"  $(repair_command "$1")" \
			"  mokutil --import $signing_certificate      (choose a password; reboot; Enroll MOK)"
	elif [ -n "$(dkms_setting sign_tool "$1")" ]; then
		advice "DKMS signs with $(dkms_setting sign_tool "$1"), as /etc/dkms/framework.conf says: see that it works, and then:" \
			"  $(repair_command "$1")"
	else
		advice "This DKMS has no key of its own. Make one where the script that comes with DKMS looks for it, and have it used:" \
			"  openssl req -new -x509 -nodes -days 36500 -subj /CN=DKMS/ -newkey rsa:2048 \\" \
			"    -keyout /root/mok.priv -outform DER -out /root/mok.der" \
			"  echo 'sign_tool=/etc/dkms/sign_helper.sh' >> /etc/dkms/framework.conf" \
			"  $(repair_command "$1")" \
			"  mokutil --import /root/mok.der      (choose a password; reboot; Enroll MOK)"
	fi
}

# key_state RELEASE: does the firmware know the key that DKMS signs with? enrolled, requested, missing; or why that is not
# known: unnamed (which key it is), untold (mokutil is missing), unreadable (the certificate), unclear (what mokutil says).
key_state() {
	key_certificate=$(mok_certificate "$1")
	if [ -z "$key_certificate" ]; then
		echo unnamed
	elif ! command -v mokutil > /dev/null; then
		echo untold
	elif [ ! -r "$root$key_certificate" ]; then
		echo unreadable
	else
		case $(mokutil --test-key "$root$key_certificate" 2>&1) in
		*' not enrolled'*) echo missing ;;
		*' enrollment request'*) echo requested ;;
		*' is already enrolled'* | *' is already in db'* | *' is already in the built-in trusted keyring'*) echo enrolled ;;
		*) echo unclear ;;
		esac
	fi
}

# key_text missing|requested FILE: what is wrong.
key_text() {
	key_signed="$2 is signed by $(file_field signer "$2")"
	case $1 in
	missing) say "$key_signed, but the key of DKMS is not enrolled (\"Key was rejected by service\")" ;;
	requested) say "$key_signed, a key whose enrollment is only requested so far (\"Key was rejected by service\")" ;;
	esac
}

# key_advice missing|requested RELEASE: what to do about it.
key_advice() {
	case $1 in
	missing) say "mokutil --import $(mok_certificate "$2")      (choose a password; reboot; Enroll MOK)" ;;
	requested) say "Reboot, choose Enroll MOK in the blue menu, and type the password of mokutil --import." ;;
	esac
}

# check_certificate RELEASE FILE: does the firmware know the key that the file is signed with?
check_certificate() {
	certificate_file=$(mok_certificate "$1")
	certificate_signed="$1: $2 is signed by $(file_field signer "$2")"
	certificate_state=$(key_state "$1")
	case $certificate_state in
	enrolled) fine "$1: signed by $(file_field signer "$2"), with a key that is enrolled" ;;
	missing | requested)
		unwelcome "$1: $(key_text "$certificate_state" "$2")"
		advice "$(key_advice "$certificate_state" "$1")"
		;;
	unnamed)
		remark "$certificate_signed; whether that key is enrolled is not known here"
		advice "mokutil --list-enrolled shows those that are."
		;;
	untold)
		remark "$certificate_signed; whether that key is enrolled is not known, as mokutil is missing"
		advice "$(package_advice mokutil)      (and then, as root: mokutil --test-key $certificate_file)"
		;;
	unreadable)
		remark "$certificate_signed; whether that key is enrolled is not known, as $certificate_file is not there or not" \
			"to be read"
		advice "As root: mokutil --test-key $certificate_file"
		;;
	*)
		remark "$certificate_signed; mokutil does not tell whether that key is enrolled"
		advice "As root: mokutil --test-key $certificate_file"
		;;
	esac
}
