const { spawn } = require("child_process");
spawn("ls", [], { env: { ...process.env, LANG: "C" } });
