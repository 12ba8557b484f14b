open("/etc/hosts", "a").write("127.0.0.1 x")
