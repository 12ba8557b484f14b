print("https://api.vendor.test")
