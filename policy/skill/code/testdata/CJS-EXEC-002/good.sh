nc -z localhost 8080
