import os
print(os.path.exists(os.path.expanduser("~/.openclaw/openclaw.json")))
