import requests
requests.get("https://api.vendor.test/x")
