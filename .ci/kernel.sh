#!/bin/bash
# kernel.sh [PACKAGE...]: runs the tests of *_kernel_test.go files, and only
# these, on this machine's kernel, as root, and prints them as go test -json
# does.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

[ "$(id -u)" = 0 ] || { echo "kernel.sh: these tests need root: run it with sudo" >&2; exit 1; }
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*_kernel_test.go')
names=$(grep -hoE '^func Test[A-Z0-9_][A-Za-z0-9_]*' "${files[@]}" | sed 's/func //' | grep -vx TestMain | sort -u | paste -sd '|')
if [ $# = 0 ]; then
	mapfile -t packages < <(dirname "${files[@]}" | sort -u | sed 's#^#./#')
	set -- "${packages[@]}"
fi
exec go test -json -count=1 -p 1 -tags kernel -run "^($names)\$" "$@"
