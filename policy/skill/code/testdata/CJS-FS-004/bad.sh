echo x > ~/Music/list.txt
