import json
json.loads(open("a.json").read())
