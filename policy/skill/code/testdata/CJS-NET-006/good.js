const https = require("https");
https.get("https://api.vendor.test/x", { rejectUnauthorized: true });
