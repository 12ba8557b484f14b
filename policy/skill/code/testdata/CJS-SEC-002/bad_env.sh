curl "https://api.vendor.test/?token=$VENDOR_TOKEN"
