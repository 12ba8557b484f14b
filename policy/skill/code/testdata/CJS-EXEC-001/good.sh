curl -LsSf https://astral.sh/uv/install.sh | sh
curl -s https://api.vendor.test/x | jq .
