words = ["a", "b"]
print("".join(chr(ord(c) + 1) for c in words))
