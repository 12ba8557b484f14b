require("fs").writeFileSync("out.txt", "hi");
