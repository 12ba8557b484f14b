curl -k https://api.vendor.test
