#!/bin/bash
# deps.sh GROUP...: installs what a group of make targets needs, once, and says
# what it does. It asks dpkg first, so a second run costs some milliseconds and
# needs no network. Groups: build test vm e2e bench generate.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

say() { printf 'deps: %s\n' "$*" >&2; }
die() { printf 'deps: %s\n' "$*" >&2; exit 1; }

packages_of() {
	case $1 in
	build) echo gcc libc6-dev libseccomp-dev pkg-config ;;
	test) echo git iproute2 util-linux procps ;;
	vm) echo qemu-system-x86 iproute2 xz-utils ;;
	e2e) echo git npm python3 curl ca-certificates openssl iproute2 chromium redis-tools systemd ;;
	bench) echo bubblewrap runc ;;
	generate) echo clang llvm libbpf-dev linux-libc-dev ;;
	*) die "no group named $1; groups: build test vm e2e bench generate" ;;
	esac
}

# have answers for one package without touching the network. A tool that the
# machine has from elsewhere (Node's own npm, say) counts as well.
have() {
	dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$' && return 0
	case $1 in
	npm | git | curl | python3) command -v "$1" >/dev/null ;;
	*) return 1 ;;
	esac
}

apt() {
	command -v apt-get >/dev/null || die "this is not a Debian or Ubuntu machine; install by hand: $*"
	[ "$(id -u)" = 0 ] || die "needs root to install: $* (run: sudo apt-get install $*)"
	if [ ! -e "$CACHE/apt-updated" ] || [ -n "$(find "$CACHE/apt-updated" -mmin +720)" ]; then
		say "apt-get update"
		apt-get update -qq >&2
		mkdir -p "$CACHE" && touch "$CACHE/apt-updated"
	fi
	[ $# = 0 ] && return
	say "apt-get install $*"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null
}

install_group() {
	local missing=() p
	for p in $(packages_of "$1"); do
		have "$p" || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] || apt "${missing[@]}"
	case $1 in
	build) .ci/go.sh ;;
	test) fetch_promtool ;;
	e2e) fetch_mail ;;
	esac
}

# promtool comes in the package prometheus, whose service nobody asked to start
# here. So the package is unpacked beside the cache and never installed.
fetch_promtool() {
	command -v promtool >/dev/null && command -v prometheus >/dev/null && return
	say "unpack prometheus and promtool into $CACHE/tools (nothing is installed or started)"
	apt
	local dir
	dir=$(mktemp -d)
	(cd "$dir" && apt-get download -qq -o APT::Sandbox::User=root prometheus >&2 && dpkg -x prometheus_*.deb tree)
	install -D -m 755 "$dir/tree/usr/bin/promtool" "$CACHE/tools/promtool"
	install -D -m 755 "$dir/tree/usr/bin/prometheus" "$CACHE/tools/prometheus"
	rm -rf "$dir"
}

# fetch_mail gets Debian's mail server for the tests, which start it themselves. As
# above it is unpacked and not installed: nobody asked for a mail system here.
# Its libraries are.
fetch_mail() {
	local server libs=() l dir
	server=$(command -v exim4 || true)
	[ -n "$server" ] && ! ldd "$server" | grep -q 'not found' && return
	say "unpack exim4 into $CACHE/tools (nothing is installed or started but its libraries)"
	apt
	for l in $(apt-cache depends exim4-daemon-light | sed -n 's/^ *Depends: \(lib.*\)/\1/p'); do
		have "$l" || libs+=("$l")
	done
	[ ${#libs[@]} = 0 ] || apt "${libs[@]}"
	dir=$(mktemp -d)
	(cd "$dir" && apt-get download -qq -o APT::Sandbox::User=root exim4-daemon-light >&2 && dpkg -x exim4-daemon-light_*.deb tree)
	install -D -m 755 "$dir/tree/usr/sbin/exim4" "$CACHE/tools/exim4"
	rm -rf "$dir"
}

for group in "$@"; do
	install_group "$group"
done
