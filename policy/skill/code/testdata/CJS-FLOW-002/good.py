import os, subprocess
subprocess.run(["ffmpeg", "-version"], env={**os.environ, "LANG": "C"})
