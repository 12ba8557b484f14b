import os
k = os.environ.get("STRIPE_SECRET_KEY")
print("set" if k else "missing", len(k or ""), (k or "")[:4])
