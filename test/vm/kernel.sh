#!/bin/bash
# kernel.sh [SUITE]: unpacks Debian's kernel of a suite (default bookworm) into
# the cache, without installing it, and prints the directory: boot/vmlinuz-*
# and lib/modules/* are in it. A download happens once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .ci/env.sh

suite=${1:-bookworm}
dir=$CACHE/kernel/$suite
# The version that was tested last. The archive drops old ones; then what it
# has now is used, and said.
case $suite in
bookworm) pin=linux-image-6.1.0-50-amd64 ;;
*) pin= ;;
esac

if ! compgen -G "$dir/boot/vmlinuz-*" >/dev/null; then
	say() { printf 'kernel: %s\n' "$*" >&2; }
	lists=$CACHE/kernel/lists-$suite
	mkdir -p "$lists/partial" "$lists-source" "$dir.new"
	trap 'rm -rf "$dir.new"' EXIT
	# The suite's own lists, from the mirror that this machine uses already.
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
		awk '$2 == "Debian" && $3 == "Debian" {print $1; exit}')
	[ -n "$mirror" ] || { say "no Debian archive among this machine's package sources (apt-get update first?)"; exit 1; }
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$keyring] $mirror $suite main" >"$lists-source/sources.list"
	apt() {
		local tool=$1
		shift
		"$tool" -qq -o Dir::Etc::sourcelist="$lists-source/sources.list" -o Dir::Etc::sourceparts=/dev/null \
			-o Dir::State::Lists="$lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
			-o APT::Sandbox::User=root "$@"
	}
	say "read the package lists of $suite"
	apt apt-get update >&2
	package=$(apt apt-cache depends linux-image-amd64 | grep -oE 'linux-image-[0-9][^ ]*' | head -1)
	if [ -n "$pin" ] && [ "$package" != "$pin" ]; then
		say "tested last with $pin; the archive has $package, which is used"
	fi
	say "download and unpack $package into $dir"
	(cd "$dir.new" && apt apt-get download "$package" >&2 && dpkg -x ./*.deb . && rm -f ./*.deb)
	rm -rf "$dir" "$lists" "$lists-source"
	mv "$dir.new" "$dir"
	trap - EXIT
fi
echo "$dir"
