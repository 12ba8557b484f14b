dd if=/dev/zero of=/dev/sda
