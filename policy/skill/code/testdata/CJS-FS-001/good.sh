echo hi > ./out.txt
