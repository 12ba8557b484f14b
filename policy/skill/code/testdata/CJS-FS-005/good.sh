cat ./config.txt
