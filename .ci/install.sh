#!/bin/bash
# install.sh install|uninstall: puts the built binaries, the unit, completions,
# manual pages and example policies in place, or takes them away again. Reads
# PREFIX, DESTDIR and UNITDIR. Users are made only without DESTDIR.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/env.sh

: "${PREFIX:=/usr/local}" "${DESTDIR:=}" "${UNITDIR:=/etc/systemd/system}"
libexec=$PREFIX/libexec/clawjail
root=$DESTDIR$PREFIX
binaries=(clawjail clawjaild clawjail-shim clawjail-stage clawjail-egress clawjail-gateway clawjail-skill clawjail-act clawjail-counter)

# The users of the default configuration (supervisor/config). Nobody else may
# run as one of them.
users=("64900 clawjail-agent" "64901 clawjail-egress" "64902 clawjail-gateway" "64903 clawjail-auth")

install_all() {
	local b
	# They find each other beside themselves, so they stay together.
	for b in "${binaries[@]}"; do
		install -D -m 755 "bin/$b" "$DESTDIR$libexec/$b"
	done
	install -d "$root/bin"
	ln -sf "$libexec/clawjail" "$root/bin/clawjail"
	ln -sf "$libexec/clawjail" "$root/bin/clawjail-sh" # for SHELL=

	install -d "$DESTDIR$UNITDIR"
	for b in supervisor/systemd/*.service supervisor/systemd/*.timer; do
		sed "s#@LIBEXEC@#$libexec#" "$b" >"$DESTDIR$UNITDIR/$(basename "$b")"
	done

	install -d "$root/share/bash-completion/completions" "$root/share/zsh/site-functions" "$root/share/fish/vendor_completions.d"
	bin/clawjail completion bash >"$root/share/bash-completion/completions/clawjail"
	bin/clawjail completion zsh >"$root/share/zsh/site-functions/_clawjail"
	bin/clawjail completion fish >"$root/share/fish/vendor_completions.d/clawjail.fish"
	install -d "$root/share/man/man1"
	bin/clawjail man "$root/share/man/man1"
	install -d "$root/share/doc/clawjail/policies"
	install -m 644 README.md SECURITY.md CHANGELOG.md LICENSE "$root/share/doc/clawjail/"
	install -m 644 policy/source/examples/*.yaml "$root/share/doc/clawjail/policies/"
	install -d -m 755 "$DESTDIR/etc/clawjail/policies"

	[ -z "$DESTDIR" ] || return 0
	make_users
	command -v systemctl >/dev/null && systemctl daemon-reload 2>/dev/null || true
	echo "installed under $PREFIX; start the supervisor with: systemctl enable --now clawjail"
	echo "installed skills looked at again every week: systemctl enable --now clawjail-reaudit.timer"
	echo "the web console: clawjail config init && clawjail user add NAME --role admin, then start clawjail-gateway"
	echo "metrics on a loopback port: systemctl enable --now clawjail-gateway"
	echo "example policies are in $PREFIX/share/doc/clawjail/policies; copy one to /etc/clawjail/policies/COMMAND.yaml"
}

make_users() {
	local entry id name
	for entry in "${users[@]}"; do
		read -r id name <<<"$entry"
		getent passwd "$name" >/dev/null && continue
		groupadd --system --gid "$id" "$name"
		useradd --system --uid "$id" --gid "$id" --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$name"
	done
}

uninstall_all() {
	if [ -z "$DESTDIR" ] && command -v systemctl >/dev/null; then
		# Jails outlive the service; this ends both.
		systemctl kill --signal=INT --kill-whom=main clawjail 2>/dev/null || true
		systemctl disable --now clawjail-reaudit.timer clawjail-gateway clawjail 2>/dev/null || true
	fi
	rm -rf "$DESTDIR$libexec" "$root/share/doc/clawjail"
	rm -f "$root/bin/clawjail" "$root/bin/clawjail-sh" "$DESTDIR$UNITDIR/clawjail.service" "$DESTDIR$UNITDIR/clawjail-gateway.service" \
		"$DESTDIR$UNITDIR/clawjail-reaudit.service" "$DESTDIR$UNITDIR/clawjail-reaudit.timer" \
		"$root/share/bash-completion/completions/clawjail" "$root/share/zsh/site-functions/_clawjail" \
		"$root/share/fish/vendor_completions.d/clawjail.fish" \
		"$root"/share/man/man1/clawjail.1 "$root"/share/man/man1/clawjail-*.1
	rmdir "$DESTDIR/etc/clawjail/policies" "$DESTDIR/etc/clawjail" 2>/dev/null || true
	[ -n "$DESTDIR" ] || echo "removed; records in /var/lib/clawjail, policies in /etc/clawjail and the users stay"
}

case ${1:-} in
install) install_all ;;
uninstall) uninstall_all ;;
*)
	echo "usage: install.sh install|uninstall" >&2
	exit 2
	;;
esac
