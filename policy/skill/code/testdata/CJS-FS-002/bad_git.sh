git config --global core.hooksPath /tmp/h
