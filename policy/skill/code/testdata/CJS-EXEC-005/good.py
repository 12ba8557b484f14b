class A:
    x = 1
for n in ("x",):
    print(getattr(A(), n))
