h=$(curl -s https://api.vendor.test/host)
curl "https://$h/x"
