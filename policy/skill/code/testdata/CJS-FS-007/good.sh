rm -f ./run.log
