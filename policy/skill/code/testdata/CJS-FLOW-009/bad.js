require("fs").readFileSync("notes/" + process.argv[2]);
