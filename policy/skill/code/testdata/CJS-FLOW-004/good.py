import requests, json
items = requests.get("https://api.vendor.test/items").json()
print(json.dumps(items))
