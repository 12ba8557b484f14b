require("fs").appendFileSync("run.log", "done\n");
