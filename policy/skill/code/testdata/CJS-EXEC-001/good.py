import subprocess
subprocess.run(["curl", "-s", "https://api.vendor.test/x"])
