docker run --rm alpine true
