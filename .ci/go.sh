#!/bin/bash
# go.sh: makes sure that a Go toolchain of at least the version in go.mod is
# there. What the machine has is used; else Debian's golang-go is installed,
# and if that is too old it fetches the right toolchain as a Go module, which
# is how the go command updates itself.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

want=$(awk '$1 == "go" {print $2}' go.mod)
toolchain=1.26.8 # the one to fetch; at least $want

say() { printf 'deps: %s\n' "$*" >&2; }
die() { printf 'deps: %s\n' "$*" >&2; exit 1; }

# enough GO: whether this go command is new enough, without letting it switch
# to another toolchain by itself.
enough() {
	local v
	v=$(cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	[ "$(printf '%s\n%s\n' "$want" "${v#go}" | sort -V | head -1)" = "$want" ]
}

enough go && exit 0

if ! command -v go >/dev/null; then
	command -v apt-get >/dev/null || die "Go $want or newer is missing: install it and put it in PATH"
	[ "$(id -u)" = 0 ] || die "Go $want or newer is missing (run as root to have it installed)"
	say "apt-get install golang-go"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go >&2 </dev/null
	enough go && exit 0
fi

say "Go here is older than $want: fetch the toolchain $toolchain through Go's module proxy into $CACHE/go"
arch=$(dpkg --print-architecture 2>/dev/null || echo amd64)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
(cd "$tmp" && printf 'module fetch\n' >go.mod &&
	GOTOOLCHAIN=local GOFLAGS=-modcacherw GOMODCACHE=$tmp/mod \
		go mod download -json "golang.org/toolchain@v0.0.1-go$toolchain.linux-$arch" >fetch.json) ||
	die "could not fetch Go: install Go $want or newer by hand and put it in PATH"
src=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' "$tmp/fetch.json")
rm -rf "$CACHE/go"
mkdir -p "$CACHE"
cp -r "$src" "$CACHE/go"
# A module zip carries no modes; the go command would set these the same way.
chmod -R u+w "$CACHE/go"
chmod 755 "$CACHE"/go/bin/* "$CACHE"/go/pkg/tool/*/*
enough "$CACHE/go/bin/go" || die "the fetched toolchain does not run"
