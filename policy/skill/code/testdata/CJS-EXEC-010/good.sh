rm -rf ./build "$TMPDIR/work"
