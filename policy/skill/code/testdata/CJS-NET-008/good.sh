curl -s https://api.vendor.test
