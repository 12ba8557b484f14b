if [ -f /.dockerenv ]; then exit 0; fi
