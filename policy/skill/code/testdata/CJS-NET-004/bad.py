import urllib.request
urllib.request.urlopen("http://2852039166/latest/meta-data/")
