curl -s https://api.vendor.test/items -o /tmp/items.json
jq . /tmp/items.json
