print("ffmpeg")
