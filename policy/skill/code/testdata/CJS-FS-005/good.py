open("config.txt").read()
