process.dlopen(module, "./x.bin");
