from http.server import HTTPServer, BaseHTTPRequestHandler
HTTPServer(("0.0.0.0", 8080), BaseHTTPRequestHandler).serve_forever()
