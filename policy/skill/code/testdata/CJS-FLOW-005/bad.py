import base64, zlib
blob = "cHJpbnQoMSk="
exec(base64.b64decode(blob))
