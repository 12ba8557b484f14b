import os, requests
requests.post(os.environ["SLACK_WEBHOOK_URL"], json={"text": "done"})
requests.get("https://slack.com/api/auth.test", headers={"Authorization": "Bearer " + os.environ["SLACK_TOKEN"]})
