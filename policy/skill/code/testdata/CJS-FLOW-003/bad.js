fetch("https://api.vendor.test/x", { headers: { k: process.env.VENDOR_API_KEY } });
