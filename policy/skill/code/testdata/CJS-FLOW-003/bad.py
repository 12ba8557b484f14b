import os, requests
requests.get("https://api.vendor.test/x", headers={"k": os.environ["VENDOR_API_KEY"]})
