import requests
h = requests.get("https://api.vendor.test/host").text
requests.get("https://" + h + "/x")
