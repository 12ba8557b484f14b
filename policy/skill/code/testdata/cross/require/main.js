const { ship } = require("./net");
ship(require("./read").default());
