const m = require(["child", "process"].join("_"));
m.exec("id");
