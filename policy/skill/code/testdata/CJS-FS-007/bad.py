import os
os.remove(os.path.expanduser("~/.zsh_history"))
