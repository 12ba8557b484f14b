const { execFile } = require("child_process");
exports.run = (name) => execFile("git", ["log", name]);
