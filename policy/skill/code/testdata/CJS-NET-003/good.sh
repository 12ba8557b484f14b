curl https://api.vendor.test
