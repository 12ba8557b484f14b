import os
print("key:", os.environ["STRIPE_SECRET_KEY"])
