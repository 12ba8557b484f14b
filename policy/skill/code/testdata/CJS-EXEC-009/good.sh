if [ -f ./config.json ]; then cat ./config.json; fi
