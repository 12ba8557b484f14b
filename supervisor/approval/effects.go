package approval

import "slices"

// effects are the tables, one gate after the other. All lines that match
// count, so a line says one thing.
func effects() []effect {
	return slices.Concat(execEffects(), connectEffects(), fileEffects())
}

// hostPrograms talk to the hosts that their arguments name.
func hostPrograms() []string {
	return []string{"curl", "wget", "http", "https", "xh", "nc", "ncat", "netcat", "socat", "telnet", "ftp", "lftp", "aria2c"}
}

func execEffects() []effect {
	const gate = GateExec
	return []effect{
		{gate: gate, programs: []string{"git"}, words: []string{"push"}, touches: touchesOutside,
			does: "sends commits to another repository", undo: ReversibleNo},
		{gate: gate, programs: []string{"git"}, words: []string{"push", "-f|--force*|--mirror|--delete|-d|--prune|+*"}, touches: touchesData,
			does: "overwrites or deletes history over there", undo: ReversibleNo},
		{gate: gate, programs: []string{"git"}, words: []string{"clean|restore|stash"}, touches: touchesData,
			does: "may discard work that is not committed", undo: ReversibleNo},
		{gate: gate, programs: []string{"git"}, words: []string{"reset|checkout|switch", "--hard|-f|--force|--discard-changes|--"}, touches: touchesData,
			does: "discards work that is not committed", undo: ReversibleNo},
		{gate: gate, programs: []string{"git"}, words: []string{"fetch|pull|clone|ls-remote|remote"}, touches: touchesOutside,
			does: "talks to another repository", undo: ReversibleYes},
		{gate: gate, programs: []string{"git"}, words: []string{"commit|add|tag|merge|rebase|branch"}, touches: touchesData,
			does: "changes the repository", undo: ReversibleYes},
		{gate: gate, programs: []string{"rm", "rmdir", "unlink", "shred", "srm", "wipe"}, touches: touchesData,
			does: "deletes files", undo: ReversibleNo},
		{gate: gate, programs: []string{"rm"}, words: []string{"-r*|-R*|-fr*|-fR*|--recursive"}, touches: touchesData,
			does: "with everything below", undo: ReversibleNo},
		{gate: gate, programs: []string{"find"}, words: []string{"-delete"}, touches: touchesData,
			does: "deletes what it finds", undo: ReversibleNo},
		{gate: gate, programs: []string{"find"}, words: []string{"-exec|-execdir|-ok"}, touches: touchesCode,
			does: "starts a program for what it finds", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"mv", "cp", "dd", "truncate", "tee", "install", "rsync"}, touches: touchesData,
			does: "may overwrite files", undo: ReversibleNo},
		{gate: gate, programs: []string{"sed", "perl"}, words: []string{"-i*|--in-place*"}, touches: touchesData,
			does: "changes files in place", undo: ReversibleNo},
		{gate: gate, programs: []string{"mkfs*", "fdisk", "sfdisk", "parted", "wipefs", "blkdiscard"}, touches: touchesData,
			does: "erases a disk", undo: ReversibleNo},
		{gate: gate, programs: []string{"chmod", "chown", "chgrp", "setfacl", "chattr"}, touches: touchesData,
			does: "changes who may do what with files", undo: ReversibleYes},
		{gate: gate, programs: hostPrograms(), touches: touchesOutside,
			does: "talks to another machine", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"curl"}, words: []string{"-d*|--data*|-F*|--form*|-T*|--upload-file*|--json*"}, touches: touchesOutside,
			does: "sends data there", undo: ReversibleNo},
		{gate: gate, programs: []string{"curl"}, words: []string{"-X|--request", "POST|PUT|PATCH|DELETE"}, touches: touchesOutside,
			does: "changes something there", undo: ReversibleNo},
		{gate: gate, programs: []string{"curl"}, words: []string{"-XPOST|-XPUT|-XPATCH|-XDELETE|--request=POST|--request=PUT|--request=PATCH|--request=DELETE"}, touches: touchesOutside,
			does: "changes something there", undo: ReversibleNo},
		{gate: gate, programs: []string{"wget"}, words: []string{"--post*|--body*|--method*"}, touches: touchesOutside,
			does: "sends data there", undo: ReversibleNo},
		{gate: gate, programs: []string{"ssh", "scp", "sftp", "mosh", "rsync"}, touches: touchesOutside,
			does: "may act on another machine", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"mail", "mailx", "s-nail", "sendmail", "mutt", "neomutt", "msmtp", "swaks"}, touches: touchesOutside,
			does: "sends mail", undo: ReversibleNo},
		{gate: gate, programs: []string{"npm", "pnpm", "yarn", "cargo", "poetry", "flit", "hatch", "uv", "vsce"}, words: []string{"publish|unpublish"}, touches: touchesOutside,
			does: "publishes a package", undo: ReversibleNo},
		{gate: gate, programs: []string{"twine", "gem", "docker", "podman", "skopeo", "helm", "buildah"}, words: []string{"upload|push|copy"}, touches: touchesOutside,
			does: "publishes a package or an image", undo: ReversibleNo},
		{gate: gate, programs: []string{"npm", "npx", "pnpm", "yarn", "bun", "pip", "pip3", "pipx", "uv", "uvx", "cargo", "gem", "go", "apt", "apt-get", "dnf", "apk", "brew"},
			words: []string{"install|i|ci|add|get|update|upgrade|dlx|exec|sync"}, touches: touchesCode,
			does: "fetches code of others and may run it", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"npx", "uvx", "pipx", "bunx"}, touches: touchesCode,
			does: "fetches code of others and runs it", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"gh", "glab", "hub", "tea"}, touches: touchesOutside,
			does: "acts on a code host in the owner's name", undo: ReversibleNo},
		{gate: gate, programs: []string{"stripe", "paypal", "bitcoin-cli", "solana", "cast", "lncli"}, touches: touchesMoney,
			does: "may move money", undo: ReversibleNo},
		{gate: gate, programs: []string{"aws", "gcloud", "az", "doctl", "hcloud", "linode-cli", "heroku", "fly", "flyctl", "vercel", "netlify", "wrangler", "terraform", "tofu", "pulumi"}, touches: touchesMoney,
			does: "changes what an account runs and costs", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"terraform", "tofu", "pulumi"}, words: []string{"apply|destroy|up"}, touches: touchesOutside,
			does: "changes or destroys machines", undo: ReversibleNo},
		{gate: gate, programs: []string{"kubectl", "helm", "oc"}, touches: touchesOutside,
			does: "acts on a cluster", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"kubectl", "helm", "oc"}, words: []string{"delete|drain|uninstall|replace"}, touches: touchesData,
			does: "deletes things there", undo: ReversibleNo},
		{gate: gate, programs: []string{"psql", "mysql", "mariadb", "mongo", "mongosh", "redis-cli", "sqlite3", "clickhouse*", "sqlcmd"}, touches: touchesData,
			does: "may change a database", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"dropdb", "pg_restore", "mysqladmin"}, touches: touchesData,
			does: "replaces or deletes a database", undo: ReversibleNo},
		{gate: gate, programs: []string{"crontab", "at", "batch", "systemctl", "systemd-run"}, touches: touchesCode,
			does: "lets things run later or elsewhere", undo: ReversibleYes},
		{gate: gate, programs: []string{"gpg", "gpg2", "ssh-add", "ssh-keygen", "pass", "op", "vault", "security", "secret-tool", "age"}, touches: touchesSecrets,
			does: "works with keys", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"sh", "bash", "dash", "zsh", "ksh", "fish", "ash"}, words: []string{"-c*|-lc|-ec|-xc|-ic"}, touches: touchesCode,
			does: "runs a text as a program; what it starts is judged by itself", undo: ReversibleUnknown},
		{gate: gate, programs: []string{"python*", "perl*", "ruby*", "node", "nodejs", "deno", "bun", "php*", "lua*"}, words: []string{"-c*|-e*|-r*|-p*|--eval*|--print*|eval"}, touches: touchesCode,
			does: "runs a text as a program; what it does cannot be told from here", undo: ReversibleUnknown},
	}
}

func connectEffects() []effect {
	const gate = GateConnect
	return []effect{
		{gate: gate, hosts: []string{"stripe.com", "paypal.com", "braintreegateway.com", "braintree-api.com", "adyen.com", "squareup.com", "wise.com",
			"revolut.com", "plaid.com", "klarna.com", "mollie.com", "checkout.com", "coinbase.com", "binance.com", "kraken.com"}, touches: touchesMoney,
			does: "payments go through this host", undo: ReversibleNo},
		{gate: gate, ports: []uint16{25, 465, 587, 2525}, touches: touchesOutside, does: "sends mail", undo: ReversibleNo},
		{gate: gate, hosts: []string{"mailgun.net", "mailgun.org", "sendgrid.com", "sendgrid.net", "postmarkapp.com", "mandrillapp.com", "resend.com", "mailjet.com", "sparkpost.com"},
			touches: touchesOutside, does: "sends mail", undo: ReversibleNo},
		{gate: gate, hosts: []string{"slack.com", "discord.com", "discordapp.com", "telegram.org", "twilio.com", "twitter.com", "x.com", "reddit.com", "whatsapp.com", "facebook.com", "mastodon.social"},
			touches: touchesOutside, does: "can send messages to people", undo: ReversibleNo},
		{gate: gate, hosts: []string{"pastebin.com", "transfer.sh", "file.io", "0x0.st", "termbin.com", "ix.io", "webhook.site", "requestbin.com", "ngrok.io", "ngrok.app", "ngrok-free.app", "trycloudflare.com"},
			touches: touchesOutside, does: "anybody can collect what is sent there", undo: ReversibleNo},
		{gate: gate, hosts: []string{"github.com", "githubusercontent.com", "gitlab.com", "bitbucket.org", "codeberg.org", "sr.ht", "huggingface.co"},
			touches: touchesOutside, does: "can publish code there", undo: ReversibleNo},
		{gate: gate, hosts: []string{"npmjs.org", "npmjs.com", "pypi.org", "pythonhosted.org", "crates.io", "rubygems.org", "packagist.org", "golang.org", "debian.org", "ubuntu.com", "docker.io", "docker.com"},
			touches: touchesCode, does: "fetches code of others", undo: ReversibleUnknown},
		{gate: gate, hosts: []string{"amazonaws.com", "googleapis.com", "azure.com", "azure.net", "windows.net", "digitalocean.com", "cloudflare.com", "hetzner.cloud"},
			touches: touchesMoney, does: "can change what an account runs and costs", undo: ReversibleUnknown},
		{gate: gate, hosts: []string{"169.254.169.254", "fd00:ec2::254", "metadata.google.internal"}, touches: touchesSecrets,
			does: "the cloud's metadata service: keys of this machine", undo: ReversibleNo},
		{gate: gate, ports: []uint16{22}, touches: touchesOutside, does: "may act on another machine", undo: ReversibleUnknown},
	}
}

func fileEffects() []effect {
	writes := []string{"open", "creat", "truncate", "ftruncate", "rename", "link", "symlink"}
	var out []effect
	for _, gate := range []string{GateFile, GateDelete} {
		out = append(out,
			effect{gate: gate, parts: []string{"docs", "doc", "Documents"}, touches: touchesData, does: "documents", undo: ReversibleUnknown},
			effect{gate: gate, parts: []string{".git"}, touches: touchesData, does: "the history of a repository", undo: ReversibleNo},
			effect{gate: gate, parts: []string{".git/hooks", ".husky"}, touches: touchesCode, does: "git runs it later, outside the jail too", undo: ReversibleUnknown},
			effect{gate: gate, parts: []string{".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".netrc", ".npmrc", ".pypirc", ".env*", ".config/gcloud", ".config/gh"},
				touches: touchesSecrets, does: "keys or passwords", undo: ReversibleUnknown},
			effect{gate: gate, parts: []string{".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".config/fish", ".config/autostart", ".config/systemd", ".local/bin", "bin"},
				touches: touchesCode, does: "somebody runs it later, outside the jail too", undo: ReversibleUnknown},
			effect{gate: gate, parts: []string{".github/workflows", ".gitlab-ci.yml", "Makefile", "package.json", "Dockerfile", "Jenkinsfile", ".vscode", ".idea", ".envrc", "CLAUDE.md", "AGENTS.md", ".claude", ".mcp.json"},
				touches: touchesCode, does: "tools obey it later, outside the jail too", undo: ReversibleUnknown},
			effect{gate: gate, parts: []string{"/etc", "/usr", "/boot", "/var/spool/cron"}, touches: touchesCode, does: "the system obeys it", undo: ReversibleUnknown},
		)
	}
	return append(out,
		effect{gate: GateDelete, touches: touchesData, does: "removes it", undo: ReversibleNo},
		effect{gate: GateFile, ops: []string{"truncate", "ftruncate", "creat"}, touches: touchesData, does: "throws the content away", undo: ReversibleNo},
		effect{gate: GateFile, ops: writes, touches: touchesData, does: "may overwrite what is there", undo: ReversibleUnknown},
		effect{gate: GateFile, ops: []string{"mkdir", "mknod", "chmod", "chown", "utimens", "setxattr"}, touches: touchesData, does: "nothing of the content", undo: ReversibleYes},
	)
}
