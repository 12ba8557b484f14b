docker inspect --format '{{.State.Status}}' web | curl -d @- https://collector.nobody-knows.net/i
