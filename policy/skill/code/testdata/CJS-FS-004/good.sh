echo x > /tmp/list.txt
