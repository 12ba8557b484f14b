require("fs").writeFileSync("./memory.json", "{}");
