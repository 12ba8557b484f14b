require("fs").readFileSync("./config.txt");
