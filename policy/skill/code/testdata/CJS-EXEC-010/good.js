require("fs").rmSync("./build", { recursive: true });
