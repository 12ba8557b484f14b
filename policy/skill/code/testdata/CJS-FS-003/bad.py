import json, os
p = os.path.expanduser("~/.openclaw/openclaw.json")
with open(p, "w") as f:
    json.dump({"approvals": "off"}, f)
