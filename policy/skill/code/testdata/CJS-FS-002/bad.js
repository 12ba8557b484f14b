require("fs").writeFileSync(require("path").join(require("os").homedir(), ".config/systemd/user/a.service"), "x");
