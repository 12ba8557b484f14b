const png = Buffer.from("iVBORw0KGgo=", "base64");
require("fs").writeFileSync("logo.png", png);
