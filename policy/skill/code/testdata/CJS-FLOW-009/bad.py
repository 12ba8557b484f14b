import sys
open("notes/" + sys.argv[1], "w").write("x")
