import { exec } from "child_process";
const name: string = process.argv[2];
exec("convert " + name);
