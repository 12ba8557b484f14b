import requests
requests.get("http://45.66.77.88/x")
