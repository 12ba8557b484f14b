#!/bin/bash
# test.sh: every part of the tests, one after the other. A part that fails does
# not stop the others; the last line is the total of all of them.
#
# usage: test.sh [PART...]    parts: lint generate unit race kernel vm e2e fuzz
set -uo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(lint generate unit race kernel vm e2e fuzz)
results=build/results
rm -rf "$results"
mkdir -p "$results"
passed=0 failed=0
summary=()

# run_part NAME TARGET: make TARGET, its output shown and kept. A part counts
# the tests of its own last "N passed, N failed" line, or as one test.
run_part() {
	local name=$1 target=$2 rc=0 start=$SECONDS p=0 f=0 line
	printf '\n=== %s\n' "$name"
	make "$target" 2>&1 | tee "$results/$name.log" || rc=1
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$results/$name.log" | tail -1)
	if [ -n "$line" ]; then
		read -r p _ f _ <<<"${line//,/}"
	elif [ $rc = 0 ]; then
		p=1
	fi
	if [ $rc != 0 ] && [ "$f" = 0 ]; then f=1; fi
	passed=$((passed + p)) failed=$((failed + f))
	summary+=("$(printf '%-10s %5d passed %5d failed %6ds' "$name" "$p" "$f" $((SECONDS - start)))")
}

for part in "${parts[@]}"; do
	case $part in
	generate) run_part generate generate-check ;;
	lint | unit | race | kernel | vm | e2e | fuzz) run_part "$part" "$part" ;;
	*)
		echo "test.sh: no part named $part" >&2
		exit 2
		;;
	esac
done

printf '\n=== summary\n'
printf '%s\n' "${summary[@]}"
grep -ahE '^(--- FAIL|FAIL )' "$results"/*.log | sort -u | head -50
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
