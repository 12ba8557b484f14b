import os
open(os.path.expanduser("~/Music/list.txt"), "w").write("x")
