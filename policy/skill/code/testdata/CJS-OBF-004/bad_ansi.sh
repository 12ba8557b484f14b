$'\x63\x75\x72\x6c' https://api.vendor.test
