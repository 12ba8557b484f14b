import shutil
shutil.make_archive("backup", "zip", "./data")
