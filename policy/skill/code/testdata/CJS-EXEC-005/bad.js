globalThis["ev" + "al"]("1");
