import ctypes
ctypes.CDLL("./lib/native.bin")
