cat${IFS}notes.txt
