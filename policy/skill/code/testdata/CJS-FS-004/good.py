open("out/list.txt", "w").write("x")
