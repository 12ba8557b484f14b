curl "https://api.vendor.test/weather?q=$1"
