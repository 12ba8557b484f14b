const region: string = process.env.REGION ?? "eu";
await fetch(`https://api.vendor.test/${region}`);
