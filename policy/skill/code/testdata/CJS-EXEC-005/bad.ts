const name: string = "child_" + "process";
const cp = await import(name);
cp.exec("id");
