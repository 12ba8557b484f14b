import os
os.remove("run.log")
