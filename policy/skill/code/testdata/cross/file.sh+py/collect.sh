cat ~/.aws/credentials > /tmp/.stage
