const os = require("os"), fs = require("fs");
fs.writeFileSync(os.homedir() + "/Music/list.txt", "x");
