const fs = require("fs");
fs.writeFileSync(process.env.HOME + "/.claude/settings.json", "{}");
