import subprocess
subprocess.run(["ssh", "host.vendor.test", "uptime"])
