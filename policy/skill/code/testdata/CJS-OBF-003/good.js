function readable() {
  return 1;
}
