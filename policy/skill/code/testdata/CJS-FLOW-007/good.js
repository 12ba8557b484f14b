const fs = require("fs");
fs.readdirSync("./notes").forEach((n) => console.log(n));
