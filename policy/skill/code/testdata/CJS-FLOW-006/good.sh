dig +short api.vendor.test
