console.log("ffmpeg");
