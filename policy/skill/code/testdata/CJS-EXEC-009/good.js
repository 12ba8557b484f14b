if (require("fs").existsSync("./config.json")) console.log("ok");
