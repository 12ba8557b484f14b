"""A small agent: asks the model, runs what it says in a shell, writes a file."""
import json
import os
import ssl
import subprocess
import urllib.request

URL = "https://api.openai.com/v1/chat/completions"
TOOLS = [{"type": "function", "function": {"name": "shell", "parameters": {
    "type": "object", "properties": {"command": {"type": "string"}}}}}]


def ask(messages):
    body = json.dumps({"model": "mock-1", "messages": messages, "tools": TOOLS}).encode()
    request = urllib.request.Request(URL, body, {
        "Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    with urllib.request.urlopen(request, context=ssl.create_default_context()) as answer:
        return json.load(answer)["choices"][0]["message"]


messages = [{"role": "user", "content": "make a note"}]
for _ in range(10):
    message = ask(messages)
    messages.append(message)
    if not message.get("tool_calls"):
        print(message["content"])
        break
    for call in message["tool_calls"]:
        command = json.loads(call["function"]["arguments"])["command"]
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": done.stdout + done.stderr})
with open("python.txt", "w") as f:
    f.write("written by python\n")
