echo hunter2 | sudo -S id
docker run --privileged -v /:/host alpine
