make -j4
