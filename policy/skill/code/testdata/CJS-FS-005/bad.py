import os
k = open(os.path.join(os.path.expanduser("~"), ".aws", "credentials")).read()
