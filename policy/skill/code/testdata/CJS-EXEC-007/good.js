require("./lib/pure.js");
