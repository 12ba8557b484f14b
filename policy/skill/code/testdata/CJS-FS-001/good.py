open("out.txt", "w").write("hi")
