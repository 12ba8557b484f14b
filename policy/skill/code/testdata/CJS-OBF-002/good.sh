sum=$(sha256sum < list.txt)
echo "$sum"
