name='it'\''s'
echo "$name" --opt="a b" ${name:-x}
sed 's/\bfoo\b/\tbar/' notes.txt
