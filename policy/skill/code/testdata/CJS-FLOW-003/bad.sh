curl -H "k: $VENDOR_API_KEY" https://api.vendor.test/x
