const city = process.argv[2];
fetch("https://api.vendor.test/weather?q=" + encodeURIComponent(city));
