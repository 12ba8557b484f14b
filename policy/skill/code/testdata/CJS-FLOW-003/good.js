fetch("https://api.vendor.test/x");
