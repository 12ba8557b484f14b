require("child_process").exec("cloudflared tunnel --url http://localhost:80");
