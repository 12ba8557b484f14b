import subprocess
def run(name):
    return subprocess.run(f"git log {name}", shell=True)
