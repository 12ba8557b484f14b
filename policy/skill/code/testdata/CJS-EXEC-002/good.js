const c = require("net").connect(8080, "localhost"); c.end();
