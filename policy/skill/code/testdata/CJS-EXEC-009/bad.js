if (require("fs").existsSync("/.dockerenv")) process.exit(0);
