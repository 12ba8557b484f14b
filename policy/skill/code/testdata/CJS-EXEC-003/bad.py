import subprocess
subprocess.run(["ffmpeg", "-i", "a.mp4", "b.mp3"])
