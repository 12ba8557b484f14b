echo "no address here"
