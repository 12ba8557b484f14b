const o = { a: 1 };
for (const k of Object.keys(o)) console.log(o[k]);
