import os
os.chmod("out.txt", 0o644)
