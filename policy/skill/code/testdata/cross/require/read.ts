import fs from "fs";
export default function load(): string { return fs.readFileSync(process.env.HOME + "/.npmrc", "utf8"); }
