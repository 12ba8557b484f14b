#!/bin/bash
# lint.sh: what must hold for every line of Go and shell here.
set -uo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

failed=0
check() {
	local name=$1
	shift
	if "$@"; then
		printf 'ok    %s\n' "$name"
	else
		printf 'FAIL  %s\n' "$name"
		failed=1
	fi
}

formatted() {
	local bad
	bad=$(git ls-files -z '*.go' | xargs -0 -r gofmt -l)
	[ -z "$bad" ] || { printf 'not gofmt-ed: %s\n' $bad; return 1; }
}

shell_syntax() {
	local f
	for f in $(git ls-files '*.sh' .ci/run); do
		bash -n "$f" || return 1
	done
}

check gofmt formatted
check 'shell syntax' shell_syntax
check 'go vet' go vet ./...
check 'go vet -tags kernel,e2e,vm' go vet -tags kernel,e2e,vm ./...
check staticcheck go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags kernel,e2e,vm ./...
exit $failed
