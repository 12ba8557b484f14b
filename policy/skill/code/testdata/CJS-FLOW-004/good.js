const r = await fetch("https://api.vendor.test/items");
console.log(await r.json());
