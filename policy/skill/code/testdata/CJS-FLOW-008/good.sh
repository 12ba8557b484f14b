convert "$1" out.png
