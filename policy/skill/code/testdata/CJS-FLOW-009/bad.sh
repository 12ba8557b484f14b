cat "notes/$1"
