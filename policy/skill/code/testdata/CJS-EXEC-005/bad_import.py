m = __import__("".join(reversed("ssecorpbus")))
m.run(["id"])
