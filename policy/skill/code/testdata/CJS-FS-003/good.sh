ls ~/.openclaw/skills
