const { exec } = require("child_process");
exports.run = (name) => exec("git log " + name);
