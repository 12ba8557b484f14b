# Sourced by every script here and by the Makefile's recipes (through bash).
#
# CACHE holds what is downloaded once for all clones: the kernel for the VM,
# the agents, promtool, a Go toolchain. It stands outside the home directory
# because jailed users must be able to read the agents.
CACHE=${CLAWJAIL_CACHE:-/var/cache/clawjail}
if [ "$(id -u)" != 0 ] && [ -z "${CLAWJAIL_CACHE:-}" ]; then
	CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/clawjail
fi
export CACHE CLAWJAIL_CACHE=$CACHE
PATH=$CACHE/go/bin:$PATH:/usr/local/go/bin:$CACHE/tools:/usr/sbin:/sbin
export PATH
