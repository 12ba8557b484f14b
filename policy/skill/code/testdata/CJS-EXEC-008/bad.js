require("child_process").execSync("docker run -v /var/run/docker.sock:/s alpine");
