const { execSync } = require("child_process");
execSync(`convert ${process.argv[2]} out.png`);
