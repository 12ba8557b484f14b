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
bullseye) pin=linux-image-5.10.0-32-amd64 ;;
bookworm) pin=linux-image-6.1.0-50-amd64 ;;
trixie) pin=linux-image-6.12.107+deb13-amd64 ;;
sid) pin=linux-image-7.2.13+deb14-amd64 ;;
*) pin= ;;
esac

if ! compgen -G "$dir/boot/vmlinuz-*" >/dev/null && ! compgen -G "$dir/usr/lib/modules/*/vmlinuz" >/dev/null; then
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
	# Newer suites keep the image and the modules in packages of their own.
	parts=$(apt apt-cache depends "$package" | grep -oE 'linux-(binary|modules)-[0-9][^ ]*' || true)
	say "download and unpack" "$package" $parts "into $dir"
	(
		cd "$dir.new"
		for p in "$package" $parts; do
			apt apt-get download "$p" >&2
			dpkg -x ./*.deb .
			rm -f ./*.deb
		done
	)
	rm -rf "$dir" "$lists" "$lists-source"
	mv "$dir.new" "$dir"
	trap - EXIT
fi

# The same two places whatever the suite: modules are under /usr since trixie,
# the image is with them since 7.
if ! [ -e "$dir/lib/modules" ]; then
	mkdir -p "$dir/lib"
	ln -s ../usr/lib/modules "$dir/lib/modules"
fi
for image in "$dir"/lib/modules/*/vmlinuz; do
	[ -e "$image" ] || continue
	release=$(basename "$(dirname "$image")")
	mkdir -p "$dir/boot"
	[ -e "$dir/boot/vmlinuz-$release" ] || cp "$image" "$dir/boot/vmlinuz-$release"
done
echo "$dir"
