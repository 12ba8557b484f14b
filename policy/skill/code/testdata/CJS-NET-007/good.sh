ssh me@server.vendor.test uptime
