console.log("key is", process.env.STRIPE_SECRET_KEY ? "set" : "missing");
