const key = process.env.TAVILY_API_KEY;
await fetch("https://api.tavily.com/search", { headers: { Authorization: `Bearer ${key}` } });
