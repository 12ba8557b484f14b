from pathlib import Path
def load():
    return (Path.home() / ".aws/credentials").read_text()
