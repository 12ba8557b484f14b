require("child_process").execFileSync("convert", [process.argv[2], "out.png"]);
