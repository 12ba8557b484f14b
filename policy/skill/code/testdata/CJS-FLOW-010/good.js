const fs = require("fs");
fs.writeFileSync("/tmp/list.txt", "a, b");
fetch("https://api.vendor.test/x", { method: "POST", body: fs.readFileSync("/tmp/list.txt") });
