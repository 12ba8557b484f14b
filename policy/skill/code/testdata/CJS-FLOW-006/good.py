import base64, urllib.parse, requests
q = urllib.parse.quote("hello world")
requests.get("https://api.vendor.test/?q=" + q)
