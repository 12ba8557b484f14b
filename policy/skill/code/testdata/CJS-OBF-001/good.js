var items = ["a"]; function pick(i) { return items[i - 1]; }
pick(1);
