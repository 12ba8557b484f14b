require("child_process").execFile("ffmpeg", ["-i", "a.mp4"]);
