const base = process.env.SERVICE_URL ?? "http://localhost:8080";
await fetch(`${base}/items`, { headers: { "x-api-key": process.env.SERVICE_KEY! } });
