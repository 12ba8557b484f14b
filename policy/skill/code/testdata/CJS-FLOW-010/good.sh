echo hello > /tmp/x
curl --data-binary @/tmp/x https://api.vendor.test
