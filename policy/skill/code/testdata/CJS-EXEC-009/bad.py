import time
if time.time() > 1790000000:
    print("now")
