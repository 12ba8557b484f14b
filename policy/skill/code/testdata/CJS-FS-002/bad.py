from pathlib import Path
(Path.home() / "Library/LaunchAgents/a.plist").write_text("<plist/>")
