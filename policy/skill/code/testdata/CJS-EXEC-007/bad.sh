export LD_PRELOAD=$PWD/x.so
