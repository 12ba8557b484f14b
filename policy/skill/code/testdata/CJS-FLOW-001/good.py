import os
import requests
requests.get("https://api.notion.com/v1/users", headers={"Authorization": "Bearer " + os.environ["NOTION_TOKEN"]})
