import shlex, subprocess, sys
subprocess.run(["convert", sys.argv[1], "out.png"])
subprocess.run("convert " + shlex.quote(sys.argv[1]), shell=True)
