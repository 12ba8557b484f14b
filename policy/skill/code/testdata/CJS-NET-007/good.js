const { execFile } = require("child_process");
execFile("ssh", ["host.vendor.test", "uptime"]);
