require("fs").writeFileSync("out/list.txt", "x");
