echo aGVsbG8= | base64 --decode > out.txt
