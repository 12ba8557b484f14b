import subprocess
def run(name):
    return subprocess.run(["git", "log", name])
