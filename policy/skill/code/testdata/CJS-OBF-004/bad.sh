c''url https://api.vendor.test
