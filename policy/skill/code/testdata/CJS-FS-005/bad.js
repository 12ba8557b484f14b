const k = require("fs").readFileSync(`${process.env.HOME}/.kube/config`);
