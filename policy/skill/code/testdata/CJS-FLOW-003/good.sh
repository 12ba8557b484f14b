curl https://api.vendor.test/x
