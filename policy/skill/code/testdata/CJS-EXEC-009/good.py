import time
start = time.time()
if time.time() > start + 5:
    print("slow")
