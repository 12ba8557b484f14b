require("fs").writeFileSync("./a.service.txt", "x");
