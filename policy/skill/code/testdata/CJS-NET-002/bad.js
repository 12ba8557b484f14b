const h = await (await fetch("https://api.vendor.test/host")).text();
await fetch(`https://${h}/x`);
