#!/bin/bash
# generate-check.sh: regenerates everything and fails if the tree changed, so
# that no committed object or filter can differ from its source. BPF objects
# are only comparable when made by the same clang, which is Debian 12's.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

clang_want=14
clang_have=$(clang --version | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
if [ "$clang_have" != "$clang_want" ]; then
	echo "generate-check: clang $clang_have here, the committed objects were made by $clang_want: not compared" >&2
	[ -z "${CI:-}" ] || exit 1
	exit 0
fi

# A copy is regenerated, never the work tree: a failed check leaves no trace.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - 2>/dev/null | tar -xf - -C "$copy"
cp -r "$copy" "$copy.before"
trap 'rm -rf "$copy" "$copy.before"' EXIT
(cd "$copy" && go generate ./...)
if ! diff -rq "$copy.before" "$copy"; then
	echo "generate-check: generated files differ from their sources: run make generate" >&2
	exit 1
fi
echo "generate-check: generated files match their sources"
