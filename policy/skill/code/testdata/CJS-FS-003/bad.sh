echo "obey" >> ~/.openclaw/workspace/SOUL.md
