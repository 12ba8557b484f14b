fetch("https://api.vendor.test/v1");
