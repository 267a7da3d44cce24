# SPDX-License-Identifier: GPL-2.0-only
# Sourced by kernel and debug-kernel: reads any suite of the Debian mirror that apt is configured with, through apt
# itself (so with its proxies, signatures and hashes) but with lists, cache and sources of our own: the machine's apt
# never sees a suite added.
# shellcheck shell=bash disable=SC2154  # cache, keyring: common.sh

# archive_uri LABEL: where the archive "Debian" or "Debian-Security" is, by apt's own configuration.
archive_uri() {
	local uris main
	# shellcheck disable=SC2016  # fields that apt fills in
	uris=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
	awk -F'|' -v label="$1" '$1 == label { print $2; found = 1; exit } END { exit !found }' <<<"$uris" && return
	main=$(awk -F'|' '$1 == "Debian" { print $2; exit }' <<<"$uris")
	[ -n "$main" ] || die "apt has no Debian archive configured (or its lists are missing: run apt-get update)"
	# Mirrors keep the security archive beside the main one.
	printf '%s\n' "${main%/debian/}/debian-security/"
}

# suite_apt SUITE PROGRAM ARG…: apt-get or apt-cache on that suite alone.
suite_apt() {
	local root=$cache/apt/$1 program=$2
	shift 2
	"$program" -c="$root/apt.conf" "$@"
}

suite_label() {
	case $1 in *-security) echo Debian-Security ;; *) echo Debian ;; esac
}

suite_prepare() {
	local suite=$1 root=$cache/apt/$1 uri signed_by=
	uri=$(archive_uri "$(suite_label "$suite")")
	[ ! -e "$keyring" ] || signed_by="[signed-by=$keyring] "
	mkdir -p "$root"/state/lists/partial "$root"/cache/archives/partial
	: >"$root/status"
	echo "deb $signed_by$uri $suite main" >"$root/sources.list"
	# A mirror frozen at a date serves lists past their Valid-Until; what counts here is that they are authentic.
	cat >"$root/apt.conf" <<-CONF
		Dir::Etc::SourceList "$root/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State "$root/state";
		Dir::State::status "$root/status";
		Dir::Cache "$root/cache";
		Acquire::Languages "none";
		Acquire::Check-Valid-Until "false";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Default-Release "";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	CONF
}

# suite_update SUITE [now]: makes its package list at most a day old. False when there is no list to work with.
suite_update() {
	local suite=$1 when=${2:-} root=$cache/apt/$1
	if [ -z "$when" ] && [ -n "$(find "$root/updated" -mtime -1 2>/dev/null)" ]; then
		return 0
	fi
	suite_prepare "$suite"
	say "reading the package list of $suite"
	if suite_apt "$suite" apt-get -q update --error-on=any >"$root/log" 2>&1; then
		touch "$root/updated"
	elif [ -e "$root/updated" ]; then
		say "could not refresh $suite, going on with the list of $(date -r "$root/updated" +%F)"
	else
		say "the mirror does not give the suite $suite: $(grep -m 1 '^E:' "$root/log" || tail -n 1 "$root/log")"
		return 1
	fi
}

# suite_packages SUITE REGEX: names that match, an extended regular expression anchored at both ends.
suite_packages() {
	suite_apt "$1" apt-cache pkgnames | grep -xE -- "$2" || true
}

# suite_field SUITE PACKAGE FIELD: of its newest version.
suite_field() {
	suite_apt "$1" apt-cache show --no-all-versions "$2" | sed -n "s/^$3: //p"
}

# suite_unpack SUITE DIR PACKAGE…: downloads (apt checks the hashes) and unpacks into DIR.
suite_unpack() {
	local suite=$1 dir=$2 debs deb
	shift 2
	debs=$(mktemp -d "$cache/tmp.XXXXXX")
	if ! (cd "$debs" && suite_apt "$suite" apt-get -q download "$@" >"$cache/apt/$suite/log" 2>&1); then
		# The list may name what the mirror has replaced since.
		suite_update "$suite" now
		(cd "$debs" && suite_apt "$suite" apt-get -q download "$@" >"$cache/apt/$suite/log" 2>&1) || {
			rm -rf "$debs"
			tail -n 5 "$cache/apt/$suite/log" >&2
			die "could not download $* of $suite"
		}
	fi
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$debs"
}
