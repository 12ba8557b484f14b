const table = "abcdefghijklmnopqrstuvwxyz";
console.log(table.length);
