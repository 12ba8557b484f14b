curl -sLO https://x.invalid/data.tgz
tar xzf data.tgz -C data
ls data/
/usr/bin/sort data/list.txt
