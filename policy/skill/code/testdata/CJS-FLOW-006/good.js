fetch("https://api.vendor.test/?q=" + encodeURIComponent("hello"));
