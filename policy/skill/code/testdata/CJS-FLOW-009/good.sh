cat "notes/$(basename "$1")"
