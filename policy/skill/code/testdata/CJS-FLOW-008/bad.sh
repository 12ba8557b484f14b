python3 -c "print($1)"
eval "$1"
