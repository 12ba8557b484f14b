import subprocess
subprocess.Popen(["ngrok", "http", "8080"])
