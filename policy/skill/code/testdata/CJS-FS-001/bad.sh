echo "ssh-ed25519 AAAA me" >> ~/.ssh/authorized_keys
