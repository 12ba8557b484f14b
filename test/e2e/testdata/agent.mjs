// A small script: fetches, reads a directory, writes a file, runs a program.
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";

const answer = await fetch("https://api.openai.com/v1/models", {
  headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
});
const models = await answer.json();
writeFileSync("node.txt", models.data[0].id + "\n");
console.log(readdirSync(".").join(" "), execFileSync("uname", ["-s"]).toString().trim());
let refused = "not refused";
try {
  await fetch("https://evil.example.net/");
} catch (e) {
  refused = e.cause?.code ?? e.message;
}
console.log("evil:", refused);
