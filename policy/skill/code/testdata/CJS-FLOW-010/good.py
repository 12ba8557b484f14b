open("/tmp/x", "w").write("hello")
print(open("/tmp/x").read())
